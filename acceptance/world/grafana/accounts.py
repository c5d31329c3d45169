"""Service accounts and their tokens. A token is shown once; what is kept of it is its hash."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["ROLES", "Accounts", "DuplicateNameError", "GrafanaAccount"]

ROLES: Final = ("Viewer", "Editor", "Admin")
_FILE = "service-accounts.json"


class DuplicateNameError(Exception):
    """There is an account, or a token of this account, of this name already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrafanaAccount:
    """Who may do what by token."""

    id: int
    name: str
    role: str  # one of ROLES

    def shown(self, tokens: int = 0) -> dict[str, Any]:
        """Give it as ``/api/serviceaccounts`` does."""
        return {
            "id": self.id,
            "name": self.name,
            "login": f"sa-{self.name.lower().replace(' ', '-')}",
            "orgId": 1,
            "isDisabled": False,
            "role": self.role,
            "tokens": tokens,
            "avatarUrl": "",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    id: int
    account: int
    name: str
    digest: str
    created: float  # Unix seconds
    expires: float  # Unix seconds; 0 is never


class Accounts:
    """The accounts of one server; may be used from several threads at once."""

    def __init__(self, data: Path | None, clock: Callable[[], float] = time.time) -> None:
        """Read what was kept in ``data``; None keeps them in memory.

        Raises:
            OSError, ValueError: The folder cannot be used, or what it holds cannot be read.
        """
        self._path = data / _FILE if data else None
        self._clock = clock
        self._lock = threading.Lock()
        self._accounts: dict[int, GrafanaAccount] = {}
        self._tokens: dict[int, _Token] = {}
        if data is not None and self._path is not None:
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._path.exists():
                self._read(self._path)

    def _read(self, path: Path) -> None:
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            self._accounts = {each["id"]: GrafanaAccount(**each) for each in kept["accounts"]}
            self._tokens = {each["id"]: _Token(**each) for each in kept["tokens"]}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} holds no service accounts; remove it to start without any") from error

    def of_token(self, token: str) -> GrafanaAccount | None:
        """Give the account whose token this is, if it is one that has not expired."""
        digest = _digest(token)
        with self._lock:
            found = next((each for each in self._tokens.values() if secrets.compare_digest(each.digest, digest)), None)
            if found is None or 0 < found.expires <= self._clock():
                return None
            return self._accounts.get(found.account)

    def all(self) -> tuple[tuple[GrafanaAccount, int], ...]:
        """List the accounts with how many tokens each has."""
        with self._lock:
            counts = [token.account for token in self._tokens.values()]
            return tuple((account, counts.count(account.id)) for account in self._accounts.values())

    def by_id(self, number: int) -> GrafanaAccount | None:
        """Give an account, if there is one."""
        return self._accounts.get(number)

    def create(self, name: str, role: str) -> GrafanaAccount:
        """Make an account.

        Raises:
            DuplicateNameError: The name is taken.
            OSError: It cannot be kept.
        """
        with self._lock:
            if any(account.name == name for account in self._accounts.values()):
                raise DuplicateNameError(name)
            made = GrafanaAccount(id=max(self._accounts, default=1) + 1, name=name, role=role)
            self._accounts[made.id] = made
            self._keep()
            return made

    def delete(self, number: int) -> bool:
        """Remove an account with its tokens; False where there is none."""
        with self._lock:
            if self._accounts.pop(number, None) is None:
                return False
            self._tokens = {each.id: each for each in self._tokens.values() if each.account != number}
            self._keep()
            return True

    def create_token(self, account: GrafanaAccount, name: str, lifetime: float) -> dict[str, Any]:
        """Make a token; ``lifetime`` in seconds, 0 for ever. The only time that it is shown.

        Raises:
            DuplicateNameError: The account has one of this name.
            OSError: It cannot be kept.
        """
        key = f"glsa_{secrets.token_urlsafe(24)}_{secrets.token_hex(4)}"
        with self._lock:
            if any(token.account == account.id and token.name == name for token in self._tokens.values()):
                raise DuplicateNameError(name)
            now = self._clock()
            made = _Token(
                id=max(self._tokens, default=0) + 1,
                account=account.id,
                name=name,
                digest=_digest(key),
                created=now,
                expires=now + lifetime if lifetime else 0,
            )
            self._tokens[made.id] = made
            self._keep()
        return {"id": made.id, "name": name, "key": key}

    def tokens_of(self, account: GrafanaAccount) -> list[dict[str, Any]]:
        """List an account's tokens, without what would let anybody in."""
        with self._lock:
            own = [token for token in self._tokens.values() if token.account == account.id]
        return [
            {
                "id": token.id,
                "name": token.name,
                "created": _stamp(token.created),
                "expiration": _stamp(token.expires) if token.expires else None,
                "hasExpired": 0 < token.expires <= self._clock(),
                "isRevoked": False,
            }
            for token in own
        ]

    def delete_token(self, account: GrafanaAccount, number: int) -> bool:
        """Remove a token; False where the account has none of this number."""
        with self._lock:
            token = self._tokens.get(number)
            if token is None or token.account != account.id:
                return False
            del self._tokens[number]
            self._keep()
            return True

    def _keep(self) -> None:
        if self._path is None:
            return
        kept = {
            "accounts": [asdict(account) for account in self._accounts.values()],
            "tokens": [asdict(token) for token in self._tokens.values()],
        }
        new = self._path.with_suffix(".new")
        new.unlink(missing_ok=True)
        # Made with its mode: nobody else may open it, not even before it is renamed.
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(kept, file)
        new.replace(self._path)


def _digest(token: str) -> str:
    # A token is 24 random bytes: nobody guesses it from its hash, however fast hashing is.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _stamp(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
