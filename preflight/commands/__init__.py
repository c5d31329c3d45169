"""One module per command; each has `main(argv) -> int`. Imported only when it is the one that was asked for."""
