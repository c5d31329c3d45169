"""The stack of real servers as child processes of one supervisor: no root, no containers."""
