from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from preflight.config.settings import Settings
from preflight.config.sources import load
from preflight.errors import UsageError
from preflight.model import Env
from preflight.system.process_id import birth
from tests.modes import bound

CANARY = "hunter2-Canary"
Put = Callable[[str, str], Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Write a file below the directory that the gate is started in."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write


@pytest.fixture
def me() -> str:
    """The `[stack]` table of a supervisor that is alive: this process."""
    return f'[stack]\nsupervisor_pid = {os.getpid()}\nsupervisor_born = "{birth(os.getpid())}"\n'


def get(
    tmp_path: Path,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> Settings:
    return load({"env": "paper"} if flags is None else flags, environ=environ or {}, cwd=tmp_path, config=config)


def refused(tmp_path: Path, **given: Any) -> str:
    with pytest.raises(UsageError) as caught:
        get(tmp_path, **given)
    message = str(caught.value)
    assert CANARY not in message
    assert "\n" not in message
    return message


LAYERS = ["flag", "variable", "dotenv", "stack", "config"]


@pytest.mark.parametrize("strongest", range(5), ids=LAYERS)
def test_precedence(strongest: int, tmp_path: Path, put: Put, me: str) -> None:
    """Flag before variable before .env.<env> before the running stack before preflight.toml."""
    layers = set(LAYERS[strongest:])
    flags = {"env": "paper", "run_timeout": "11" if "flag" in layers else None}
    environ = {"PREFLIGHT_RUN_TIMEOUT": "12"} if "variable" in layers else {}
    if "dotenv" in layers:
        put(".env.paper", "PREFLIGHT_RUN_TIMEOUT=13\n")
    if "stack" in layers:
        put(".stack/preflight.toml", f'env = "paper"\nrun_timeout = 14\n{me}')
    put("preflight.toml", "run_timeout = 15\n")
    assert get(tmp_path, flags, environ).run_timeout == 11 + strongest


def test_tables_are_merged_key_by_key(tmp_path: Path, put: Put, me: str) -> None:
    """A stronger layer replaces the keys it has, and leaves the other keys of the same table alone."""
    put("preflight.toml", '[redis]\nhost = "config"\nport = 1\ndb = 2\nusername = "config"\n')
    put(".stack/preflight.toml", f'env = "paper"\n[redis]\nhost = "stack"\nport = 7\n{me}')
    put(".env.paper", "PREFLIGHT_REDIS__HOST=dotenv\nTELEGRAM_TOKEN=the bot's own\nREDIS_HOST=the bot's own\n")
    settings = get(tmp_path, environ={"PREFLIGHT_REDIS__DB": "3", "PATH": "/bin", "REDIS__HOST": "not ours"})
    redis = settings.redis
    assert (redis.host, redis.port, redis.db, redis.username) == ("dotenv", 7, 3, "config")
    assert type(settings) is Settings


@pytest.mark.parametrize(
    ("flags", "environ", "env"),
    [
        ({"env": "dev"}, {"PREFLIGHT_ENV": "test"}, Env.DEV),
        ({}, {"PREFLIGHT_ENV": "test"}, Env.TEST),
        ({"env": None}, {"PREFLIGHT_ENV": ""}, Env.PAPER),
    ],
    ids=["flag", "variable", "stack"],
)
def test_choice_of_env(
    *, flags: dict[str, str], environ: dict[str, str], env: Env, tmp_path: Path, put: Put, me: str
) -> None:
    """The env comes from the flag, else the variable, else a running stack; an empty variable is none."""
    put(".stack/preflight.toml", f'env = "paper"\n{me}')
    assert get(tmp_path, flags, environ).env is env


def test_there_is_no_default_env(tmp_path: Path) -> None:
    """Without an env nothing runs, and the message says how to give one."""
    assert re.match(r"env: not set.*--env.*PREFLIGHT_ENV.*make up", refused(tmp_path, flags={}))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"flags": {"env": "prod"}}, r"^flag --env: 'prod' is not an env; it is one of live, paper, dev, test$"),
        ({"flags": {}, "environ": {"PREFLIGHT_ENV": "LIVE"}}, r"^variable PREFLIGHT_ENV: 'LIVE' is not an env"),
        ({"flags": {"env": "paper", "run_timeout": "soon"}}, r"^flag --timeout: should be a valid number"),
        ({"flags": {"env": "paper", "run_timeout": "nan"}}, r"^flag --timeout: "),
        ({"flags": {"env": "paper", "textfile_dir": ""}}, r"^flag --metrics-output: .*not a path"),
        ({"environ": {"PREFLIGHT_NONSENSE": CANARY}}, r"^variable PREFLIGHT_NONSENSE: unknown key"),
        ({"environ": {"PREFLIGHT_REDIS__HOTS": CANARY}}, r"^variable PREFLIGHT_REDIS__HOTS: unknown key"),
        ({"environ": {"PREFLIGHT_REDIS__PORT": CANARY}}, r"^variable PREFLIGHT_REDIS__PORT: should be a valid integer"),
        ({"environ": {"PREFLIGHT_REDIS": CANARY}}, r"^variable PREFLIGHT_REDIS: "),
        ({"environ": {"PREFLIGHT_": CANARY}}, r"^variable PREFLIGHT_: unknown key"),
        (
            {"environ": {"PREFLIGHT_REDIS": CANARY, "PREFLIGHT_REDIS__HOST": "h"}},
            r"^the environment: PREFLIGHT_REDIS__HOST goes below a key that already has a plain value$",
        ),
        (
            {"environ": {"PREFLIGHT_REDIS__HOST": "h", "PREFLIGHT_REDIS": CANARY}},
            r"^the environment: PREFLIGHT_REDIS gives a plain value to a key that has keys of its own$",
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_refused_flags_and_variables(given: dict[str, Any], told: str, tmp_path: Path) -> None:
    """A bad flag or variable is named as it was written, in one sentence that never repeats a secret."""
    assert re.search(told, refused(tmp_path, **given))


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (".env.paper", f"PREFLIGHT_NONSENSE={CANARY}\n", r"^\.env\.paper PREFLIGHT_NONSENSE: unknown key"),
        (".env.paper", f"PREFLIGHT_REDIS__PORT={CANARY}\n", r"^\.env\.paper PREFLIGHT_REDIS__PORT: should be a valid"),
        (".env.paper", "PREFLIGHT_REDIS__HOST\n", r"^\.env\.paper: PREFLIGHT_REDIS__HOST has no value; write"),
        (".env.paper", f"A=1\nPREFLIGHT_REDIS__PASSWORD='{CANARY}\n", r"^\.env\.paper: line 2 cannot be read; write"),
        (".env.paper", "PREFLIGHT_ENV=live\n", r"^\.env\.paper: PREFLIGHT_ENV=live contradicts .*copied"),
        ("preflight.toml", f'nonsense = "{CANARY}"\n', r"^preflight\.toml nonsense: unknown key"),
        ("preflight.toml", f'[redis]\nhots = "{CANARY}"\n', r"^preflight\.toml redis\.hots: unknown key"),
        ("preflight.toml", f'[redis]\nport = "{CANARY}"\n', r"^preflight\.toml redis\.port: should be a valid integer"),
        ("preflight.toml", f'redis = "{CANARY}"\n', r"^preflight\.toml redis: "),
        ("preflight.toml", 'env = "live"\n', r"^preflight\.toml: env: one file serves every env"),
        ("preflight.toml", f"a = 1\nb = {CANARY}\n", r"preflight\.toml: is not TOML: .*line 2"),
        ("preflight.toml", 'ledger = ""\n', r"^preflight\.toml ledger: .*not a path"),
        ("preflight.toml", "[redis]\npassword_file = 5\n", r"^preflight\.toml redis: password_file should be a path"),
        (
            "preflight.toml",
            f'[redis]\npassword = "{CANARY}"\npassword_file = "x"\n',
            r"^preflight\.toml redis: password and password_file are both set: keep one",
        ),
        (
            "preflight.toml",
            '[redis]\npassword_file = "/no/such/file"\n',
            r"^preflight\.toml redis: password_file /no/such/file cannot be read: No such file",
        ),
        (".stack/preflight.toml", "env = \n", r"\.stack/preflight\.toml: is not TOML: .*line 1"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_refused_files(name: str, text: str, told: str, tmp_path: Path, put: Put) -> None:
    """A bad line of a file is named by file and key, or line, in one sentence that never repeats a secret."""
    put(name, text)
    assert re.search(told, refused(tmp_path))


def test_refused_in_the_stack_file(tmp_path: Path, put: Put, me: str) -> None:
    """An unknown key of a running stack's file is named with that file."""
    put(".stack/preflight.toml", f'env = "paper"\nnonsense = "{CANARY}"\n{me}')
    assert re.search(r"^\.stack/preflight\.toml nonsense: unknown key", refused(tmp_path))


@pytest.mark.parametrize("name", [".env.paper", "preflight.toml", ".stack/preflight.toml"])
def test_files_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    """A directory in the place of a file, and bytes that are not text, are refused by path."""
    path = tmp_path / name
    path.mkdir(parents=True)
    assert re.search(f"{re.escape(str(path))}: cannot be read: Is a directory", refused(tmp_path))
    path.rmdir()
    path.write_bytes(b"\xff\xfe")
    assert re.search(f"{re.escape(str(path))}: is not UTF-8 text", refused(tmp_path))


def test_config_that_was_named_must_exist(tmp_path: Path, put: Put) -> None:
    """`--config FILE` is read instead of preflight.toml, and is refused when it is not there."""
    put("preflight.toml", "run_timeout = 1\n")
    other = put("other.toml", "run_timeout = 2\n")
    assert get(tmp_path, config=other).run_timeout == 2
    gone = tmp_path / "gone.toml"
    assert f"{gone}: cannot be read: No such file" in refused(tmp_path, config=gone)


def test_several_mistakes_are_told_at_once(tmp_path: Path, put: Put) -> None:
    """All refused values stand in one message, each with its layer."""
    put("preflight.toml", "min_free_mb = 0\n")
    message = refused(tmp_path, environ={"PREFLIGHT_NONSENSE": "1"})
    assert "variable PREFLIGHT_NONSENSE" in message
    assert "preflight.toml min_free_mb" in message


@pytest.mark.parametrize(
    ("env", "stack_env", "applies"),
    [("paper", "paper", True), ("dev", "paper", False), ("live", "paper", False), ("live", "live", False)],
)
def test_stack_file_serves_its_own_env(
    *, env: str, stack_env: str, applies: bool, tmp_path: Path, put: Put, me: str
) -> None:
    """A running stack's file counts for its own env only, and never for live."""
    put(".stack/preflight.toml", f'env = "{stack_env}"\nrun_timeout = 14\n{me}')
    assert (get(tmp_path, {"env": env}).run_timeout == 14) is applies


def test_stack_file_cannot_choose_live(tmp_path: Path, put: Put, me: str) -> None:
    """Nobody goes live because a file lay in the folder."""
    put(".stack/preflight.toml", f'env = "live"\n{me}')
    assert refused(tmp_path, flags={}).startswith("env: not set")


@pytest.mark.parametrize(
    "stack",
    [
        "",
        "stack = 5\n",
        "[stack]\n",
        "[stack]\nsupervisor_pid = {pid}\n",
        '[stack]\nsupervisor_pid = "{pid}"\nsupervisor_born = "{born}"\n',
        "[stack]\nsupervisor_pid = {pid}\nsupervisor_born = 5\n",
        '[stack]\nsupervisor_pid = {pid}\nsupervisor_born = "{born}0"\n',
        '[stack]\nsupervisor_pid = {gone}\nsupervisor_born = "{born}"\n',
    ],
)
def test_stack_file_without_its_process(stack: str, tmp_path: Path, put: Put) -> None:
    """A file whose supervisor is gone, or is another process under the same number, is as if it were not there."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    text = stack.format(pid=os.getpid(), born=birth(os.getpid()), gone=child.pid)
    put(".stack/preflight.toml", f'env = "paper"\nrun_timeout = 14\n{text}')
    assert get(tmp_path).run_timeout == 30
    assert refused(tmp_path, flags={}).startswith("env: not set")


UNPRIVILEGED = """
import sys
from pathlib import Path
from preflight.errors import UsageError
from preflight.config.sources import load
try:
    load({"env": "paper"}, environ={}, cwd=Path(sys.argv[1]))
except UsageError as e:
    print(e)
"""


@pytest.mark.parametrize(
    ("name", "closed"),
    [
        ("preflight.toml", "preflight.toml"),
        (".env.paper", ".env.paper"),
        (".stack/preflight.toml", ".stack/preflight.toml"),
        (".stack/preflight.toml", ".stack"),
    ],
)
def test_files_without_permission(name: str, closed: str, tmp_path: Path) -> None:
    """A file, or its folder, that this user may not read is refused by path: it might have said otherwise."""
    path = tmp_path / name
    path.parent.mkdir(mode=0o755, exist_ok=True)
    path.write_text("", encoding="utf-8")
    (tmp_path / closed).chmod(0)
    try:
        done = subprocess.run(
            bound([sys.executable, "-c", UNPRIVILEGED, str(tmp_path)]),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    finally:
        (tmp_path / closed).chmod(0o700)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path}: cannot be read: Permission denied\n"
