"""`make rotate` on a running stack, and where it has to refuse or is interrupted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from acceptance.stack.compose.images import choose
from acceptance.stack.compose.operate import rotate
from acceptance.stack.compose.operate.rotate import SERVICES
from acceptance.stack.ports import HOST
from acceptance.stack.readiness import http_get
from acceptance.stack.wait import Observation, wait_until
from tests.docker.operator import Operator, at_work

pytestmark = [pytest.mark.compose, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Somebody whose stack runs."""
    with at_work(tmp_path_factory.mktemp("checkout")) as made:
        made.comes_up()
        yield made


def _file(operator: Operator, name: str) -> Path:
    return operator.folder / "secrets" / name


def _lets_in(operator: Operator, name: str, value: str) -> bool:
    """Whether the server takes a value, asked from outside its container."""
    import psycopg2  # noqa: PLC0415
    import redis  # noqa: PLC0415

    port = operator.ports[SERVICES[name][0]]
    if name == "grafana_admin_password":
        return http_get(port, "/api/user", login=("admin", value))[0] == 200
    try:
        if name == "redis_password":
            return bool(redis.Redis(host=HOST, port=port, password=value).ping())
        if name == "postgres_owner_password":  # by the socket only, where no password is asked for
            return _is_of(operator, value)
        psycopg2.connect(host=HOST, port=port, user="arbitrage", password=value, dbname="postgres").close()
    except (redis.AuthenticationError, psycopg2.OperationalError):
        return False
    return True


def _is_of(operator: Operator, value: str) -> bool:
    """Whether it is the superuser's password, by the proof that the server keeps of it (RFC 5803)."""
    question = "SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'"
    kept = operator.types(f'docker compose exec -T postgres psql -qAt -U postgres -c "{question}"').stdout.strip()
    _, rounds_and_salt, keys = kept.split("$")
    rounds, salt = rounds_and_salt.split(":")
    salted = hashlib.pbkdf2_hmac("sha256", value.encode(), base64.b64decode(salt), int(rounds))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return base64.b64encode(hashlib.sha256(client_key).digest()).decode() == keys.split(":")[0]


@pytest.mark.parametrize("name", SERVICES)
def test_a_secret_gets_another_value(operator: Operator, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The server takes the new one and refuses the old one, the gate says GO, and no value is told."""
    old = _file(operator, name).read_text(encoding="utf-8")
    arguments = ["--secret", name, "--docker-dir", str(operator.folder)]
    assert rotate.main([*arguments, "--dry-run"]) == 0
    assert _file(operator, name).read_text(encoding="utf-8") == old
    assert rotate.main(arguments) == 0, capsys.readouterr().err
    new = _file(operator, name).read_text(encoding="utf-8")
    assert new != old
    assert (_lets_in(operator, name, new), _lets_in(operator, name, old)) == (True, False)
    assert _file(operator, name).stat().st_mode & 0o777 == 0o444
    assert {path.name for path in (operator.folder / "secrets").iterdir() if path.name.startswith(".")} == set()
    logs = operator.types("docker compose logs").stdout
    said = "".join(capsys.readouterr()) + logs
    assert new not in said
    assert old not in said
    operator.types("docker compose up -d --wait --wait-timeout 60")
    operator.types("docker compose run --rm preflight db migrate --env paper")
    operator.runs_preflight()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_who_is_interrupted_types_it_again(operator: Operator, number: signal.Signals) -> None:
    """Whatever was done by then: the same command goes on with the same value, and the server has it."""
    name = "postgres_password"
    waiting = _file(operator, f".{name}.next")
    argv = (sys.executable, "-m", "acceptance.stack.compose.operate.rotate", "--secret", name)
    process = subprocess.Popen(
        (*argv, "--docker-dir", str(operator.folder)), cwd=choose.ROOT, stderr=subprocess.DEVNULL
    )
    wait_until(
        lambda: Observation[None](done=waiting.exists() and waiting.stat().st_size > 0, said="not there"),
        asked="whether the new value was made",
        timeout=30,
        interval=0.002,
    )
    os.kill(process.pid, number)
    assert process.wait(60) == (-number if number == signal.SIGKILL else 1)
    value = waiting.read_text(encoding="utf-8")
    assert rotate.main(["--secret", name, "--docker-dir", str(operator.folder)]) == 0
    assert _file(operator, name).read_text(encoding="utf-8") == value
    assert _lets_in(operator, name, value)


@pytest.mark.parametrize(("name", "said"), [("grafana_secret_key", "stays"), ("", "which secret?")])
def test_what_cannot_be_changed(operator: Operator, name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, exit 1."""
    assert rotate.main(["--secret", name, "--docker-dir", str(operator.folder)]) == 1
    assert said in capsys.readouterr().err


def test_a_postgres_that_does_not_run_keeps_its_password(
    operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has to take the new value: nothing is changed before."""
    operator.types("docker compose stop --timeout 5 postgres")
    old = _file(operator, "postgres_password").read_text(encoding="utf-8")
    assert rotate.main(["--secret", "postgres_password", "--docker-dir", str(operator.folder)]) == 1
    assert "does not run" in capsys.readouterr().err
    assert _file(operator, "postgres_password").read_text(encoding="utf-8") == old
    assert not _file(operator, ".postgres_password.next").exists()
