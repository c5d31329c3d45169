"""Errors of the engine, each with one sentence a person can act on.

Tree::

    EngineError
    ├── ConfigError       a setting is wrong: nothing ran, exit 2
    ├── MigrationError    the database answers but its tables cannot be brought up to date: exit 1
    ├── QuoteFileError    the recorded quote file cannot be used: exit 2
    ├── ServeError        the metrics port cannot be had: exit 1
    └── DependencyDown    Redis or Postgres did not answer as it should: never ends the engine
"""

from __future__ import annotations

__all__ = ["ConfigError", "DependencyDown", "EngineError", "MigrationError", "QuoteFileError", "ServeError"]


class EngineError(Exception):
    """Root of every error the engine raises on purpose; its text is one sentence for the operator."""


class ConfigError(EngineError):
    """One or more settings are wrong; the text has one sentence for each, separated by newlines."""


class MigrationError(EngineError):
    """The database answers, but a migration was refused for a reason that waiting does not cure."""


class QuoteFileError(EngineError):
    """The recorded quote file is missing, damaged, or lacks a configured symbol."""


class ServeError(EngineError):
    """The address for metrics cannot be bound."""


class DependencyDown(EngineError):  # noqa: N818 (names a state the engine lives with, not a fault)
    """Redis or Postgres did not answer in time, or answered with an error; it will be asked again."""
