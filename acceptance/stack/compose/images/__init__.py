"""The images of the compose stack: official ones, or ones built on this machine."""
