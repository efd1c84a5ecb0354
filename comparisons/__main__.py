"""``python -m comparisons``: see ``cli.py``."""

from comparisons.cli import main

if __name__ == "__main__":
    main()
