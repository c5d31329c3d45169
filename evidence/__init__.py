"""One folder per run that says what was tested, on what, and with which result."""
