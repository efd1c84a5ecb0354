"""``python -m minigrad``: see ``command.py``."""

import sys

from minigrad.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
