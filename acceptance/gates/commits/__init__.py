"""The rules for what goes into git, as a gate and as hooks."""
