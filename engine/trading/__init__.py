"""Paper positions: what may be opened and closed, and what they earned."""
