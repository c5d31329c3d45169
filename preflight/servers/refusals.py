"""What a server's refusal comes to; the tables of them stand beside the checks of Redis and of Postgres."""

from __future__ import annotations

from typing import NamedTuple

from preflight.message import Message
from preflight.model import Status


class Meaning(NamedTuple):
    """What a refusal comes to."""

    status: Status
    meaning: Message  # after `Postgres at host:port `
    hint: Message
