"""Stand-ins for servers that a test cannot have: real HTTP servers that keep what they are given and fail on demand."""
