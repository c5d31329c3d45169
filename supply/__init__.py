"""What this project installs and builds: the parts, their pinned hashes, their licences, and the bill of materials."""
