"""The Docker command line, the compose files' variables, and the modes of what is mounted."""
