"""Quotes from where they come, the market as last seen, FX, and what of a spread is left after fees."""
