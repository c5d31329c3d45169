"""This process and its machine: children, signals, descriptors, deadlines, files, the way out."""
