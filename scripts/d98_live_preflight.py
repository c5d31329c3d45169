#!/usr/bin/env python3
"""The gate under the name that existing commands use; everything it knows is in `preflight.cli`."""

import sys

# In words that any Python understands: what is imported below would end with a traceback and 1, which reads as NO_GO.
if sys.version_info < (3, 11):  # noqa: UP036
    told = "preflight: this needs Python 3.11 or newer, this is %d.%d; nothing ran\n"
    sys.stderr.write(told % sys.version_info[:2])
    sys.exit(3)

from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from preflight.cli import entry

if __name__ == "__main__":
    entry()
