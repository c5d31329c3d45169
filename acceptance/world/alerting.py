"""What alerts need on a stack: a stand-in for Telegram that preflight there can reach, and the table of alerts."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acceptance.stack.interface import Stack, StackError
from acceptance.world.telegram import TelegramStandin
from evidence.bundle import Bundle

CHAT_FILE = "telegram_chat.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """A chat, and the variables that lead preflight there."""

    telegram: TelegramStandin
    variables: Mapping[str, str]
    secrets: tuple[str, ...]  # token and chat id

    @property
    def texts(self) -> list[str]:
        """What is in the chat, oldest first."""
        return self.telegram.texts

    def record(self, bundle: Bundle) -> None:
        """Put the chat into the evidence, over an earlier state of it."""
        bundle.add_json(CHAT_FILE, self.evidence(), replace=True)

    def evidence(self) -> dict[str, Any]:
        """The chat as it is now, and what was asked for; holds no secret."""
        state = self.telegram.state
        with state.lock:
            return {"schema_version": 1, "chat": list(state.chat), "requests": list(state.requests)}


@contextmanager
def open_alerting(stack: Stack, env: str) -> Iterator[Alerting]:
    """Start the stand-in and make the table.

    Raises:
        StackError: `preflight db migrate` failed.
    """
    token = f"{secrets.randbelow(10**10):010d}:{secrets.token_urlsafe(26)}"
    chat_id = f"-100{secrets.randbelow(10**10):010d}"
    with tempfile.TemporaryDirectory(prefix="arbitrage-alerting-") as folder:
        files = {"TOKEN": Path(folder, "token"), "CHAT_ID": Path(folder, "chat-id")}
        for name, value in (("TOKEN", token), ("CHAT_ID", chat_id)):
            files[name].write_text(f"{value}\n", encoding="utf-8")
            files[name].chmod(0o600)
        with TelegramStandin(token=token, chat_id=chat_id) as telegram:
            if stack.name == "external":  # somebody's own: its chat and its database are not touched
                yield Alerting(telegram=telegram, variables={}, secrets=(token, chat_id))
                return
            migrated = stack.run_preflight("db", "migrate", "--env", env)
            if migrated.exit_code != 0:
                raise StackError(f"preflight db migrate: {migrated.stdout}{migrated.stderr}", service="postgres")
            yield Alerting(
                telegram=telegram,
                variables={
                    "PREFLIGHT_TELEGRAM__URL": telegram.url,
                    "PREFLIGHT_TELEGRAM__PLAIN_HTTP": "true",  # the token is the stand-in's own
                    **{f"PREFLIGHT_TELEGRAM__{name}_FILE": str(path) for name, path in files.items()},
                },
                secrets=(token, chat_id),
            )
