"""The verbs of the command ``evidence``, a module each: `add(verbs)` declares it, and sets `run` to what it does."""
