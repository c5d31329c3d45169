"""The process that owns the servers of an embedded stack, and the pipe by which it is told what to run."""
