from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from acceptance.stack.choice import choose
from acceptance.stack.choice.choose import CHOICES, Choice, StackChoice, open_stack, read_login
from acceptance.stack.docker import docker_cli
from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.interface import Stack, StackError, Urls
from tests.modes import obeying_modes

ROOT = Path(__file__).parents[4]
TOKEN = "glsa_made-up-token-of-a-service-account"


class Fake:
    """A stack that takes down what is done to it."""

    grafana_auth = ("admin", "made-up")
    urls = Urls(
        prometheus="http://user:pass-in-url@127.0.0.1:1", grafana="http://127.0.0.1:2", node_exporter="", engine=None
    )

    def __init__(self, name: str, done: list[str], *, fails: bool = False) -> None:
        self.name = name
        self._done = done
        self._fails = fails

    def start(self) -> None:
        """Start, or fail."""
        self._done.append(f"start {self.name}")
        if self._fails:
            raise StackError("it cannot be started")

    def stop(self) -> None:
        """Stop."""
        self._done.append(f"stop {self.name}")

    def keep(self) -> str:
        """Stay."""
        self._done.append(f"keep {self.name}")
        return "kill 1"


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done to the fakes that stand in for the embedded and the compose stack."""
    done: list[str] = []
    monkeypatch.setattr(choose, "EmbeddedStack", lambda **given: Fake(f"embedded {given['grafana']}", done))
    monkeypatch.setattr(choose, "ComposeStack", lambda **given: Fake(f"compose {given['images']}", done))
    return done


@pytest.fixture
def wanted(tmp_path: Path) -> StackChoice:
    """All that an external stack needs."""
    (tmp_path / "login").write_text(TOKEN, encoding="utf-8")
    return StackChoice(
        choice="external",
        prometheus_url="http://127.0.0.1:1",
        grafana_url="http://127.0.0.1:2",
        textfile_dir=tmp_path,
        grafana_login=tmp_path / "login",
    )


def fail_after(holds: Callable[[], bool]) -> None:
    """Do what a failing test does, once something was seen to hold."""
    assert holds()
    raise RuntimeError


def changed(wanted: StackChoice, field: str, value: Any) -> StackChoice:
    """Give the same wish with one field changed."""
    return replace(wanted, **{field: value})


def refusal(wanted: StackChoice) -> str:
    """Give the one sentence with which a stack is not opened; no secret is in it."""
    with pytest.raises(StackError) as caught, open_stack(wanted, project=ROOT, tell=lambda _: None):
        pytest.fail("it was opened")
    said = str(caught.value)
    assert "\n" not in said
    assert TOKEN not in said
    return said


@pytest.mark.parametrize("choice", ["embedded", "compose"])
def test_what_is_asked_for_is_what_runs(choice: Choice, done: list[str]) -> None:
    """The stack is started before it is handed over and stopped after, also when the tests fail."""
    with (
        pytest.raises(RuntimeError),
        open_stack(StackChoice(choice=choice, images="local", grafana="standin"), project=ROOT, tell=lambda _: None),
    ):
        fail_after(lambda: len(done) == 1)

    name = "compose local" if choice == "compose" else "embedded standin"
    assert done == [f"start {name}", f"stop {name}"]


@pytest.mark.parametrize(
    ("trouble", "chosen"),
    [(None, "compose auto"), ("no Docker engine answers", "embedded auto")],
    ids=["Docker answers", "no Docker"],
)
def test_auto_says_what_it_chose_and_why(
    trouble: str | None, chosen: str, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compose where Docker answers, else embedded with the reason."""
    monkeypatch.setattr(docker_cli, "why_unusable", lambda: trouble)
    told: list[str] = []

    with open_stack(StackChoice(), project=ROOT, tell=told.append):
        assert done == [f"start {chosen}"]

    (line,) = told
    assert line.startswith(f"stack: {chosen.split(maxsplit=1)[0]}, since ")
    assert (trouble or "Docker answers") in line


def test_a_stack_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no falling back and no skipping, and what never ran is not stopped a second time."""
    done: list[str] = []
    monkeypatch.setattr(choose, "ComposeStack", lambda **_: Fake("compose", done, fails=True))
    monkeypatch.setattr(choose, "EmbeddedStack", lambda **_: Fake("embedded", done))

    assert refusal(StackChoice(choice="compose")) == "it cannot be started"
    assert done == ["start compose"]


def test_a_stack_that_does_not_start_can_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever keeps the evidence is given it with the reason, before the error goes on."""
    monkeypatch.setattr(choose, "ComposeStack", lambda **_: Fake("compose", [], fails=True))
    told: list[str] = []

    def failed(stack: Stack, error: StackError) -> None:
        told.append(f"{stack.name}: {error}")

    with (
        pytest.raises(StackError, match="it cannot be started"),
        open_stack(StackChoice(choice="compose"), project=ROOT, tell=lambda _: None, failed=failed),
    ):
        pytest.fail("it was opened")
    assert told == ["compose: it cannot be started"]


def test_a_kept_stack_says_how_to_end_it(done: list[str]) -> None:
    """With `--keep-stack` it lives on; addresses are shown without a password."""
    told: list[str] = []

    with open_stack(StackChoice(choice="embedded", keep=True), project=ROOT, tell=told.append):
        assert told == []

    assert done == ["start embedded auto", "keep embedded auto"]
    assert told == ["left running: http://127.0.0.1:1 and http://127.0.0.1:2; to end it: kill 1"]


def test_the_options_are_those_of_the_command_line(pytestconfig: pytest.Config) -> None:
    """`--stack` offers exactly what can be chosen, and its default is what `Wanted` starts from."""
    assert pytestconfig.getoption("--stack") in CHOICES
    assert StackChoice().choice == "auto"


# --- external ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "option"),
    [
        ("prometheus_url", "--prometheus-url"),
        ("grafana_url", "--grafana-url"),
        ("textfile_dir", "--textfile-dir"),
        ("grafana_login", "--grafana-login"),
    ],
)
def test_a_missing_option_is_named(field: str, option: str, wanted: StackChoice) -> None:
    """External needs four options, and says which is not there."""
    assert refusal(changed(wanted, field, None)) == f"--stack external needs {option} too"


def test_all_missing_options_are_named_at_once() -> None:
    """Nobody has to try four times."""
    said = refusal(StackChoice(choice="external"))

    assert said == "--stack external needs --prometheus-url, --grafana-url, --textfile-dir, --grafana-login too"


@pytest.mark.parametrize(
    "address", ["127.0.0.1:9090", "ftp://127.0.0.1", "http://", "http://[::1", "http://127.0.0.1:port", "prometheus"]
)
@pytest.mark.parametrize(
    ("field", "option"),
    [
        ("prometheus_url", "--prometheus-url"),
        ("grafana_url", "--grafana-url"),
        ("node_exporter_url", "--node-exporter-url"),
    ],
)
def test_what_is_no_address_is_refused(field: str, option: str, address: str, wanted: StackChoice) -> None:
    """An address without its scheme, host or port is known before anything is asked."""
    assert refusal(changed(wanted, field, address)) == f"{option} is no address of the form http://HOST:PORT"


def test_a_missing_directory_is_named(wanted: StackChoice, tmp_path: Path) -> None:
    """The textfile directory has to be on this machine."""
    assert f"--textfile-dir {tmp_path / 'gone'}" in refusal(replace(wanted, textfile_dir=tmp_path / "gone"))


def test_an_address_where_nobody_answers_is_named(wanted: StackChoice) -> None:
    """Each silent server is named with its option."""
    said = refusal(wanted)

    for option in ("--prometheus-url", "--grafana-url"):
        assert f"(see {option})" in said


def test_an_open_external_stack_is_what_was_said(wanted: StackChoice, httpserver: HTTPServer) -> None:
    """Addresses without a slash at their end, the token as Grafana takes it, and no stopping."""
    for path in ("/-/ready", "/api/health", "/metrics", "/api/search"):
        httpserver.expect_request(path).respond_with_data("{}")
    url = httpserver.url_for("/")
    named = replace(wanted, prometheus_url=url, grafana_url=url, node_exporter_url=url, keep=True)
    told: list[str] = []

    with open_stack(named, project=ROOT, tell=told.append) as stack:
        assert stack.name == "external"
        assert (stack.urls.prometheus, stack.urls.engine) == (url.rstrip("/"), None)
        assert stack.grafana_auth == ("api_key", TOKEN)

    (line,) = told
    assert line.endswith("to end it: nothing to do, it is your own stack")
    assert "--grafana standin: what answers at --grafana-url is Grafana" in refusal(replace(named, grafana="standin"))


@pytest.mark.parametrize(
    ("text", "login"),
    [
        ("user=admin\npassword=made=up\n", ("admin", "made=up")),
        ("# made by hand\npassword = made-up\nuser = viewer\n", ("viewer", "made-up")),
        (f"{TOKEN}\n", ("api_key", TOKEN)),
        ("eyJrIjoibWFkZS11cCJ9==", ("api_key", "eyJrIjoibWFkZS11cCJ9==")),
    ],
    ids=["password", "other order", "token", "token that ends in ="],
)
def test_both_kinds_of_login_are_read(text: str, login: tuple[str, str], tmp_path: Path) -> None:
    """A user with a password, or a token alone."""
    file = tmp_path / "login"
    file.write_text(text, encoding="utf-8")

    assert read_login(file) == login


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"user=admin\n", b"password=secret-word\n", b"user=admin\npassword=\n", b"secret-word one two\n"],
    ids=["empty", "blank", "no password", "no user", "empty password", "prose"],
)
def test_a_file_that_holds_no_login_is_refused(content: bytes, tmp_path: Path) -> None:
    """What is missing is said; what is in the file is not."""
    file = tmp_path / "login"
    file.write_bytes(content)

    with pytest.raises(StackError) as caught:
        read_login(file)

    assert str(caught.value) == f"--grafana-login {file}: holds neither user= and password= lines nor one token"


def gone(path: Path) -> None:
    """Leave nothing there."""


def folder(path: Path) -> None:
    """Put a folder there."""
    path.mkdir()


def binary(path: Path) -> None:
    """Put something there that is no text."""
    path.write_bytes(b"\xff\xfe\xfd")


@pytest.mark.parametrize("put", [gone, folder, binary])
def test_an_unreadable_login_file_is_named(put: Callable[[Path], None], tmp_path: Path) -> None:
    """One sentence with the path and why."""
    file = tmp_path / "login"
    put(file)

    with pytest.raises(StackError, match=r"^--grafana-login \S+: cannot be read \(\w+\)$"):
        read_login(file)


def test_a_login_file_of_somebody_else_is_named(tmp_path: Path) -> None:
    """A file that its mode keeps from this user is one sentence too."""
    file = tmp_path / "login"
    file.write_text(TOKEN, encoding="utf-8")
    file.chmod(0o000)

    with obeying_modes(), pytest.raises(StackError, match="cannot be read \\(PermissionError\\)"):
        read_login(file)


def test_say_writes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    """A line is written whole, whatever stands in for Python's stream."""
    choose.say("a line")

    assert capfd.readouterr().err == "a line\n"


def test_say_needs_no_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without a console loses the line and goes on."""
    monkeypatch.setattr(sys, "__stderr__", None)

    choose.say("a line")


def test_a_real_stack_is_closed_when_its_user_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a real stack too, an error in the tests leaves nothing running."""
    made: list[EmbeddedStack] = []

    def only_redis(**_: object) -> EmbeddedStack:
        made.append(EmbeddedStack(services=("redis",)))
        return made[0]

    monkeypatch.setattr(choose, "EmbeddedStack", only_redis)
    with pytest.raises(RuntimeError), open_stack(StackChoice(choice="embedded"), project=ROOT, tell=lambda _: None):
        fail_after(lambda: all(state.healthy for state in made[0].services()))

    with pytest.raises(StackError, match="not running"):
        made[0].processes()
