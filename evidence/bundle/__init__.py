"""The bundle of one run: opened, written into by several gates, sealed. `layout` names what is in it.

The order of a run: `open_run` makes the folder; each gate joins it (`Bundle.join`) and writes through that one door;
`seal` derives the verdict from the records, writes the manifest and signs it.
"""

from __future__ import annotations

from evidence.bundle.run import open_run
from evidence.bundle.snapshot import Snapshot
from evidence.bundle.writer import Bundle

__all__ = ["Bundle", "Snapshot", "open_run"]
