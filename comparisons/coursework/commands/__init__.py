"""The commands of coursework, a file each. ``comparisons/cli.py`` gives them their names."""
