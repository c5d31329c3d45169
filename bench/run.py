"""What one preflight run takes on real servers, which are on this machine as well."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.run_preflight import as_environment
from bench.cost import side_by_side
from bench.figure import Figure

ROOT = Path(__file__).parents[1]
# How fast an exchange answers is no matter of ours.
_NO_EXCHANGE = {"PREFLIGHT_EXCHANGES__UPBIT__ENABLED": "false", "PREFLIGHT_EXCHANGES__BINANCE__ENABLED": "false"}

# The same questions to the same servers, by the script that one would write: no verdict, no record, no deadline.
_SCRIPT = """
import os, psycopg2, redis
get = os.environ.__getitem__
client = redis.Redis(
    get("PREFLIGHT_REDIS__HOST"), int(get("PREFLIGHT_REDIS__PORT")), password=get("PREFLIGHT_REDIS__PASSWORD")
)
assert client.ping() and client.set("bench", "1", ex=9) and client.get("bench") == b"1" and client.delete("bench")
connection = psycopg2.connect(
    host=get("PREFLIGHT_POSTGRES__HOST"), port=get("PREFLIGHT_POSTGRES__PORT"), user=get("PREFLIGHT_POSTGRES__USER"),
    password=get("PREFLIGHT_POSTGRES__PASSWORD"), dbname=get("PREFLIGHT_POSTGRES__DATABASE"),
)
with connection.cursor() as cursor:
    cursor.execute("SELECT 1")
    assert cursor.fetchone() == (1,)
print("ok")
"""


def measure() -> Iterable[Figure]:
    """Wall time and memory, beside a bare script."""
    ours = (sys.executable, "-m", "preflight", "--env", "paper", "--no-alerts")
    with (
        EmbeddedStack(services=("redis", "postgres")) as stack,
        tempfile.TemporaryDirectory(prefix="arbitrage-bench-") as project,
    ):
        settings = {**as_environment(stack.settings()), **_NO_EXCHANGE, "PREFLIGHT_GIT__REPOSITORY": str(ROOT)}
        env = {"PATH": os.environ["PATH"], "HOME": project, "PYTHONPATH": str(ROOT), **settings}
        cost, floor = side_by_side(ours, (sys.executable, "-c", _SCRIPT), env=env, cwd=Path(project))
    against = "a bare script"
    yield Figure(what="preflight run", value=cost.seconds, unit="s", floor=floor.seconds, against=against, limit=0.6)
    yield Figure(what="its memory", value=cost.megabytes, unit="MB", floor=floor.megabytes, against=against, limit=90)
