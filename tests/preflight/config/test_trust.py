"""Settings in live: who may have written the files they come from, and what weakens a check."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight.config.sources import Loaded, load_with_sources
from preflight.config.trust import file_flaw
from preflight.errors import NoEnvError, UsageError
from preflight.model import Env
from preflight.system.process_id import birth

TOML = '[positions]\ntable = "live_positions"\n'


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A project folder with one file of each kind, as the docs have them."""
    (tmp_path / "preflight.toml").write_text(TOML + f'[redis]\npassword_file = "{tmp_path}/secret"\n')
    (tmp_path / ".env.live").write_text("PREFLIGHT_CHECK_TIMEOUT=4\n")
    (tmp_path / "secret").write_text("hunter2")
    for name in (".env.live", "secret"):
        (tmp_path / name).chmod(0o600)
    tmp_path.chmod(0o755)
    yield tmp_path
    tmp_path.chmod(0o700)


def load(project: Path, env: str | None = "live", **variables: str) -> Loaded:
    given = {f"PREFLIGHT_{name}": value for name, value in variables.items()}
    return load_with_sources({"env": env}, environ=given, cwd=project)


def test_a_default_installation_is_trusted(project: Path) -> None:
    """Own user, secrets 0600: nothing is asked for, nothing is noted, nothing is overridden."""
    loaded = load(project)
    assert (loaded.notes, loaded.overrides, loaded.settings.check_timeout) == ((), (), 4)


@pytest.mark.parametrize(
    ("name", "mode", "what"),
    [
        ("preflight.toml", 0o666, "write"),
        (".env.live", 0o622, "write"),
        ("secret", 0o602, "write"),
        ("secret", 0o604, "read"),
        (".", 0o777, "write"),
    ],
)
def test_q8_a_file_that_others_may_write(name: str, mode: int, what: str, project: Path) -> None:
    """In live it is refused with the file, what it is, what it should be and the command; in paper it is taken."""
    path = project / name
    path.chmod(mode)
    with pytest.raises(UsageError) as caught:
        load(project)
    told = str(caught.value)
    assert f"others may {what} {path} (mode {mode:04o}); in live it should be " in told
    assert f"chmod {'600' if what == 'read' else 'go-w'} {path}" in told
    assert load(project, "paper").settings.env is Env.PAPER


@pytest.mark.parametrize("name", ["preflight.toml", ".env.live", "secret"])
def test_q8_a_file_of_another_user(name: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that somebody else owns gives no value in live; nor does one that a stranger's link leads to."""
    if os.geteuid() == 0:
        os.chown(project / name, 65534, 65534)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 65534)
    with pytest.raises(UsageError, match=r"belongs to .*; in live it should be owner .* or root: see what is in it"):
        load(project)


@pytest.mark.parametrize("way", ["link/file", "link"])
def test_q8_a_link_of_another_user_on_the_way(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who made the link can have it lead elsewhere between the check and the use, wherever on the way it stands."""
    (tmp_path / "file").touch()
    link = tmp_path / "link"
    link.symlink_to(tmp_path if "/" in way else tmp_path / "file")
    real = Path.lstat
    stranger = os.stat_result((*real(link)[:4], 65534, 65534, *real(link)[6:]))
    monkeypatch.setattr(Path, "lstat", lambda path: stranger if path == link else real(path))
    flaw = file_flaw(tmp_path / way)
    assert flaw is not None
    assert (flaw.problem, flaw.hint) == (f"{link} is a link of another user", f"rm {link}")


def test_q8_a_file_that_gave_nothing_is_not_asked_after(project: Path) -> None:
    """An empty file of any mode changes nothing."""
    (project / ".env.live").write_text("# nothing\n")
    (project / ".env.live").chmod(0o666)
    assert load(project).overrides == ()


def test_q8_a_sticky_folder_on_the_way_will_do(project: Path) -> None:
    """Below /tmp nobody else can exchange what is ours."""
    inner = project / "inner"
    inner.mkdir()
    (inner / "file").touch(mode=0o600)
    project.chmod(0o1777)
    assert file_flaw(inner / "file") is None
    project.chmod(0o777)
    assert file_flaw(inner / "file") is not None


@pytest.mark.parametrize("which", [".stack", ".stack/preflight.toml"])
def test_q8_a_stack_that_another_user_planted(which: str, project: Path) -> None:
    """It is ignored in every env, and named: it chose neither the env nor an address."""
    planted = project / ".stack" / "preflight.toml"
    planted.parent.mkdir()
    alive = f'[stack]\nsupervisor_pid = {os.getpid()}\nsupervisor_born = "{birth(os.getpid())}"\n'
    planted.write_text(f'env = "paper"\nrun_timeout = 14\n{alive}')
    assert load(project, None).settings.run_timeout == 14
    (project / which).chmod(0o777)
    loaded = load(project, "paper")
    assert loaded.settings.run_timeout == 30
    assert loaded.notes[0].startswith(f".stack/preflight.toml is ignored: others may write {project / which} (mode")
    with pytest.raises(NoEnvError, match=r"preflight\.toml is ignored: others may write"):
        load(project, None)


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("LIVE__KILL_SWITCH_KEY", "other", "live.kill_switch_key"),
        ("REDIS__DB", "7", "redis.db"),
        ("LIVE__ORDER_CEILING_KRW", "1e300", "live.order_ceiling_krw"),
        ("LIVE__DAILY_LOSS_CEILING_KRW", "1e300", "live.daily_loss_ceiling_krw"),
        ("POSITIONS__POLICY", "allow", "positions.policy"),
        ("POSITIONS__POLICY", "warn", "positions.policy"),
        ("POSITIONS__OPEN_VALUES", "never", "positions.open_values"),
        ("POSITIONS__CLOSED_VALUES", "closed,partial", "positions.closed_values"),
        ("POSITIONS__STATUS_COLUMN", "note", "positions.status_column"),
        ("POSITIONS__TABLE", "empty_table", "positions.table"),
        ("POSITIONS__OPEN_WHEN", "false", "positions.open_when"),
        ("CLOCK__FAIL_MS", "5000", "clock.fail_ms"),
        ("CLOCK__SAMPLES", "1", "clock.samples"),
        ("GIT__MAX_FILE_MB", "100", "git.max_file_mb"),
        ("MIN_FREE_MB", "1", "min_free_mb"),
        ("EXCHANGES__UPBIT__HALTED_AFTER", "86400", "exchanges.upbit.halted_after"),
    ],
)
def test_q4_what_weakens_a_check_is_an_override(variable: str, value: str, key: str, project: Path) -> None:
    """By a variable, in live, it keeps the run from being ready and is named; elsewhere it is the operator's affair."""
    loaded = load(project, **{variable: value})
    assert [each for each in loaded.overrides if each.startswith(key)] == list(loaded.overrides)
    assert len(loaded.overrides) == 1
    assert loaded.notes == loaded.overrides
    assert load(project, "paper", **{variable: value}).overrides == ()


def test_q4_what_the_bot_is_may_stand_in_a_file(project: Path) -> None:
    """In a file that was looked at, the bot's own database, switch and table are no override; a weaker policy is."""
    facts = '[live]\nkill_switch_key = "mine"\norder_ceiling_krw = 1e9\n[positions]\ntable = "t"\n'
    (project / "preflight.toml").write_text(f"redis.db = 3\n{facts}")
    assert load(project).overrides == ()
    (project / "preflight.toml").write_text(f'{facts}policy = "allow"\n')
    assert load(project).overrides == ("positions.policy is allow, not fail",)


def test_q4_tighter_is_no_override(project: Path) -> None:
    """A stricter limit by a variable is anybody's right."""
    assert load(project, CLOCK__FAIL_MS="300", GIT__MAX_FILE_MB="1", MIN_FREE_MB="900").overrides == ()
