"""What keeps the compose stack from starting and what to do about it: one table for three readers.

`diagnosis` finds a row by the words in a service's log, `make doctor` names the row that it looked for, and
"When it does not start" in docs/compose.md is written from it (``python -m acceptance.stack.compose.remedies``).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

DOCS = Path(__file__).resolve().parents[3] / "docs" / "compose.md"
BEGIN = (
    "<!-- remedies: generated from acceptance/stack/compose/remedies.py, checked by tests/docker/test_doctor.py -->\n"
)
END = "<!-- end -->\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One cause."""

    do: str  # a sentence with the command that mends it, its commands between backticks
    says: str = ""  # what is read where it happens, in markdown; "" where only the doctor finds it
    signs: Sequence[str] = ()  # words of a log or a healthcheck that mean it

    @property
    def plain(self) -> str:
        """What to do, for a terminal."""
        return self.do.replace("`", "'")


REMEDIES: Mapping[str, Remedy] = MappingProxyType(
    {
        "engine": Remedy(
            says="`no Docker engine answers`, `'docker compose' is missing`",
            do="`sudo scripts/install_docker.sh` on Debian; elsewhere install Docker Engine with the compose plugin",
        ),
        "made": Remedy(
            says="`required variable SECRETS_DIR is missing`, `... ENGINE_IMAGE is missing`",
            do="`make images secrets` in the project root",
        ),
        "image": Remedy(says="`No such image`, `pull access denied`", do="`make images` in the project root"),
        "port": Remedy(
            says="`address already in use`, `port is already allocated`",
            do="end that program, or name another port in `docker/.env`, such as `REDIS_PORT=16379` for Redis",
        ),
        "unreadable": Remedy(
            says="`... cannot be read by uid ..., so nothing was started`, `... is empty`",
            signs=("make images secrets", "so nothing was started"),
            do="`make images secrets` in the project root: it opens the mounted configuration, gives secret files "
            "their mode, and makes missing ones (remove an empty one first); then `docker compose down` and up again, "
            "since between two tries a container counts as unhealthy",
        ),
        "one line": Remedy(
            says="`secrets/redis_password has to be one line`",
            signs=("has to be one line",),
            do="remove the file, then `make secrets` in the project root",
        ),
        "version": Remedy(
            says="`database files are incompatible with server`",
            signs=("database files are incompatible",),
            do="use the image of the volume's version, and see 'Upgrade' in docs/compose.md for the way to another; or "
            "drop its data: `docker compose down`, then `docker volume rm` with the volume's name",
        ),
        "no cluster": Remedy(
            says="`the volume is not empty and is no cluster`",
            signs=("not empty and is no cluster",),
            do="half a backup, or another program's volume, and nothing in it was touched: `make restore FILE=...` in "
            "the project root brings a backup back whole",
        ),
        "newer redis": Remedy(
            says="`Can't handle RDB format version`",
            signs=("Can't handle RDB format",),
            do="its volume is of a newer Redis: use that version (`IMAGES=official` or `local` for `make images`), or "
            "`make restore FILE=...` of a backup of this one",
        ),
        "damaged redis": Remedy(
            says="`Bad file format reading the append only file`, `Unexpected end of file reading the append only "
            "file` (Redis)",
            signs=("reading the append only file", "Wrong signature trying to load DB", "RDB file was truncated"),
            do="its data is damaged, the kill switch with it: `make restore FILE=...` in the project root; without a "
            "backup `docker compose down`, `docker volume rm arbitrage_redis-data` and up, and **throw the kill switch "
            "again if it was thrown**",
        ),
        "damaged grafana": Remedy(
            says="`database disk image is malformed`, `file is not a database` (Grafana)",
            signs=("database disk image is malformed", "file is not a database"),
            do="only users and preferences are lost, dashboards come back from git: `docker compose rm -sf grafana`, "
            "`docker volume rm arbitrage_grafana-data`, `docker compose up -d grafana`",
        ),
        "room": Remedy(
            says="`no space left on device`",
            signs=("No space left on device", "no space left on device"),
            do="`docker system df` shows what takes it, `docker system prune` makes room",
        ),
        "memory": Remedy(
            says="a container that restarts, `OOMKilled` true in `docker inspect`",
            do="end what takes the memory (`docker stats` shows the containers'), or give the machine more",
        ),
        "clock": Remedy(do="`sudo timedatectl set-ntp true`, then wait until `timedatectl` calls it synchronized"),
        "no role": Remedy(
            says="`there is no role arbitrage`, `there is no database arbitrage` (Postgres' healthcheck)",
            signs=("there is no role", "there is no database"),
            do="the volume was set up without them: `docker compose exec postgres sh "
            "/docker-entrypoint-initdb.d/10-application-role.sh` makes what is missing",
        ),
        "other password": Remedy(
            says="`password authentication failed` (Postgres' healthcheck)",
            signs=("password authentication failed",),
            do="the role has another password than `secrets/postgres_password`: `docker compose exec postgres sh "
            "/docker-entrypoint-initdb.d/10-application-role.sh` gives it the file's",
        ),
        "open redis": Remedy(
            says="`without a password it answers` (Redis' healthcheck)",
            signs=("without a password it answers",),
            do="somebody has changed `requirepass` of the running server: "
            "`docker compose up -d --force-recreate redis`",
        ),
        "permission": Remedy(
            says="`Permission denied`",
            signs=("Permission denied", "permission denied"),
            do="it may not read or write what it needs, such as a volume that another image made: "
            "`docker compose down`, then `docker volume rm` with that volume's name, or `make restore FILE=...`",
        ),
    }
)
"""Name -> remedy; where the words of several are read, the first one's holds: what keeps a service from starting before
what a healthcheck finds, which between two tries finds missing what is only not there yet."""


def for_words(heard: str) -> Remedy | None:
    """The remedy for what a service was heard to say; None where no row has its words."""
    return next((row for row in REMEDIES.values() if any(sign in heard for sign in row.signs)), None)


def section() -> str:
    """The table of docs/compose.md."""
    rows = [f"| {row.says} | {row.do} |\n" for row in REMEDIES.values() if row.says]
    return "".join(("| it says | do |\n", "|---|---|\n", *rows))


def in_step(text: str) -> str:
    """The page with the table as it has to be.

    Raises:
        ValueError: The page has no place for it.
    """
    head, found, rest = text.partition(BEGIN)
    _, ended, tail = rest.partition(END)
    if not found or not ended:
        message = f"there is no {BEGIN.strip()} ... {END.strip()}"
        raise ValueError(message)
    return f"{head}{BEGIN}{section()}{END}{tail}"


if __name__ == "__main__":
    DOCS.write_text(in_step(DOCS.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{DOCS.name}: in step\n")
