"""Server programs: found on PATH, taken from the cache, or built from pins into it."""
