"""The rules for what goes into git, and its hooks."""
