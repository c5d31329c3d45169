"""Everything the gate raises on purpose, as one tree.

PreflightError
├── UsageError             bad option or configuration: nothing ran, exit 2
│   └── NoEnvError         nothing says which env this is
├── RegistryError          the set of checks does not add up: exit 2
├── NotStartedError        `preflight exec`: another one holds the lock, nothing ran: exit 7
├── DatabaseError          the tables in Postgres cannot be made (`preflight db migrate`): exit 3
└── RecordError            the run could not be written down: UNRECORDED
    ├── LedgerError        the ledger cannot be read or written
    │   └── LedgerLockedError   another process held it beyond the deadline
    └── TextfileError      the `.prom` file cannot be written

Each message is one sentence for a person: what, where, what to do. The command line catches the root only;
whatever is not in this tree is a bug, and a bug ends with exit 3, never with Python's 1. `Interrupted` stands
beside it, as KeyboardInterrupt stands beside Exception.
"""

from __future__ import annotations


class Interrupted(BaseException):  # like KeyboardInterrupt: not an error that anything should catch
    """A signal that ends a process reached the gate; its name is the text."""


class PreflightError(Exception):
    """Root of the tree above."""


class UsageError(PreflightError):
    """A bad option or configuration; names the key and where it came from."""


class NoEnvError(UsageError):
    """No flag, variable or running local stack says which env this is."""


class RegistryError(PreflightError):
    """A duplicate check id, an unknown `requires`, or a cycle; found when the checks are collected."""


class NotStartedError(PreflightError):
    """`preflight exec` may not start its command, whatever the gate would find; nothing ran."""


class DatabaseError(PreflightError):
    """The tables that preflight writes to in Postgres cannot be made or brought up to date."""


class RecordError(PreflightError):
    """The run could not be recorded, so that it cannot count as GO."""


class LedgerError(RecordError):
    """The ledger cannot be opened, read or written."""


class LedgerLockedError(LedgerError):
    """Another process holds the ledger beyond the deadline."""


class TextfileError(RecordError):
    """The `.prom` file cannot be written."""
