"""``python -m torch_impl``: see ``cli.py``."""

from torch_impl.starting import start

if __name__ == "__main__":
    start("torch_impl")
