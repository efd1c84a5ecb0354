"""``python -m torch_impl``: see ``cli.py``."""

from torch_impl.cli import main

if __name__ == "__main__":
    main()
