"""The settings of one run: where values come from, what they may be, and which files are trusted."""
