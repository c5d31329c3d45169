"""The gate: may the bot go live now?"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
