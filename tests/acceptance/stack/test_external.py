from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from pytest_httpserver import HTTPServer

from acceptance.stack.choice.choose import StackChoice, open_stack, read_login
from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.external import ExternalStack
from acceptance.stack.interface import GrafanaChoice, Stack, StackError, Urls
from acceptance.stack.run_preflight import as_environment
from acceptance.world.grafana import identity as standin
from acceptance.world.tls import Authority
from evidence import manifest
from evidence.grafana import GrafanaKind, GrafanaUsed
from evidence.verify import Kind, verify
from tests.preflight.servers.front import tls_front

pytestmark = pytest.mark.leg("system")

ROOT = Path(__file__).parents[3]
_SECONDS = 300  # for a whole suite, on a busy machine


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedStack]:
    """Somebody's own stack: nothing of it is known to the nested run but what the command line says."""
    with EmbeddedStack() as stack:
        yield stack


def admin_login(stack: EmbeddedStack) -> tuple[str, str]:
    """Give a login file's text and the secret in it: Grafana's administrator."""
    user, password = stack.grafana_auth
    return f"user={user}\npassword={password}\n", password


def viewer_token(stack: EmbeddedStack) -> tuple[str, str]:
    """Give a login file's text and the secret in it: a service account that may only look."""
    api = f"{stack.urls.grafana}/api/serviceaccounts"
    account = requests.post(api, json={"name": "suite", "role": "Viewer"}, auth=stack.grafana_auth, timeout=10)
    account.raise_for_status()
    made = requests.post(
        f"{api}/{account.json()['id']}/tokens", json={"name": "suite"}, auth=stack.grafana_auth, timeout=10
    )
    made.raise_for_status()
    token = str(made.json()["key"])
    return f"{token}\n", token


def nested(
    stack: EmbeddedStack, login: Path, evidence: Path, *options: str, suite: str = "acceptance", **changed: str
) -> subprocess.CompletedProcess[str]:
    """Run the acceptance suite as the owner of a stack would, settings in the environment."""
    addresses = {
        "--prometheus-url": stack.urls.prometheus,
        "--grafana-url": f"{stack.urls.grafana}/",
        "--node-exporter-url": stack.urls.node_exporter,
        "--textfile-dir": str(stack.layout.textfile),
        "--grafana-login": str(login),
        "--evidence-dir": str(evidence),
        **changed,
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PREFLIGHT_"))}
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", suite, "--stack", "external", "-p", "no:cacheprovider"),
            *(word for pair in addresses.items() for word in pair),
            *options,
        ],
        cwd=ROOT,
        env=inherited | as_environment(stack.settings()),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def texts(folder: Path) -> Iterator[tuple[Path, str]]:
    """Give every file below a folder with what is in it."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path, path.read_text(encoding="utf-8", errors="replace")


@pytest.mark.timeout(_SECONDS + 60)
@pytest.mark.parametrize(
    ("login", "suite"),
    [(viewer_token, "acceptance"), (admin_login, "acceptance/test_dashboard.py")],
    ids=["viewer's token", "administrator"],
)
def test_the_suite_passes_on_somebody_elses_stack(
    login: Callable[[EmbeddedStack], tuple[str, str]], suite: str, running: EmbeddedStack, tmp_path: Path
) -> None:
    """All that changes nothing passes, the rest is NOT RUN, so the result is PARTIAL; the stack lives on untouched."""
    text, secret = login(running)
    file = tmp_path / "login"
    file.write_text(text, encoding="utf-8")
    before = running.processes()

    done = nested(running, file, tmp_path / "evidence", suite=suite)

    said = done.stdout + done.stderr
    assert done.returncode == 1, said  # PARTIAL is never 0
    assert running.processes() == before
    bundle = tmp_path / "evidence" / "latest"
    document = manifest.read(bundle)
    counts = document["gates"]["e2e-external"]["counts"]
    not_run = re.findall(r"^NOT RUN on an external stack: (.+)$", said, flags=re.MULTILINE)
    collection = json.loads((bundle / "gates/e2e-external.collection.json").read_text(encoding="utf-8"))
    assert (document["result"], list(document["stacks"])) == ("PARTIAL", ["external"])
    assert len(collection["deselected"]) == len(set(not_run)) > 0
    assert counts == {"passed": len(collection["selected"]), **dict.fromkeys(set(counts) - {"passed"}, 0)}
    assert [one for one in verify(bundle).violations if one.kind is Kind.INVALID] == []
    for known in (secret, *running.secrets):
        assert known not in said
        assert [path for path, content in texts(tmp_path / "evidence") if known in content] == []


@pytest.mark.timeout(_SECONDS + 60)
@pytest.mark.parametrize("trusted", ["--ca", "REQUESTS_CA_BUNDLE", "nowhere"])
def test_m8_servers_behind_the_companys_ca(
    trusted: str, running: EmbeddedStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suite reaches a real Prometheus, exporter and dashboards' server by TLS, and trusts nobody by itself."""
    login, authority = tmp_path / "login", Authority(tmp_path)
    login.write_text(admin_login(running)[0], encoding="utf-8")
    given = {} if trusted != "--ca" else {"--ca": str(authority.ca_file)}
    if trusted == "REQUESTS_CA_BUNDLE":
        monkeypatch.setenv(trusted, str(authority.ca_file))
    with contextlib.ExitStack() as fronts:
        for option, service in (
            ("prometheus", "prometheus"),
            ("grafana", "grafana"),
            ("node-exporter", "node_exporter"),
        ):
            plain = urlsplit(getattr(running.urls, service)).port
            port = fronts.enter_context(tls_front(authority.context("localhost"), plain))
            given[f"--{option}-url"] = f"https://localhost:{port}"
        done = nested(running, login, tmp_path / "evidence", suite="acceptance/test_dashboard.py", **given)

    counts = manifest.read(tmp_path / "evidence" / "latest")["gates"]["e2e-external"]["counts"]
    if trusted == "nowhere":
        said = " ".join(done.stdout.split())
        assert "certificate verify failed" in said
        assert "the CA of your own network is named by --ca FILE or REQUESTS_CA_BUNDLE" in said
        assert set(counts.values()) == {0}
    else:
        assert counts == {"passed": counts["passed"], **dict.fromkeys(set(counts) - {"passed"}, 0)}, done.stdout
        assert counts["passed"] > 0


def test_what_cannot_be_started_fails(running: EmbeddedStack, tmp_path: Path) -> None:
    """A server that does not answer turns the run red, with the option to look at, and is never a skip."""
    file = tmp_path / "login"
    file.write_text(admin_login(running)[0], encoding="utf-8")

    done = nested(running, file, tmp_path / "evidence", "-x", **{"--prometheus-url": "http://127.0.0.1:1"})

    assert done.returncode == 1, done.stdout
    assert "the stack: Prometheus cannot be reached at http://127.0.0.1:1 " in done.stdout
    assert "(see --prometheus-url)" in done.stdout
    assert manifest.read(tmp_path / "evidence" / "latest")["result"] == "INCOMPLETE"


# --- without a nested run ---------------------------------------------------------------------------------------------


@pytest.fixture
def external(httpserver: HTTPServer, tmp_path: Path) -> ExternalStack:
    """Three servers that say they are well."""
    for path in ("/-/ready", "/api/health", "/metrics", "/api/search"):
        httpserver.expect_request(path).respond_with_data("{}")
    url = httpserver.url_for("").rstrip("/")
    return ExternalStack(
        urls=Urls(prometheus=url, grafana=url, node_exporter=url, engine=None),
        textfile_dir=tmp_path,
        grafana_auth=("api_key", "a-made-up-token"),
        project=ROOT,
    )


def refusal(external: ExternalStack) -> str:
    """Give the one sentence with which it does not start."""
    with pytest.raises(StackError) as caught:
        external.start()
    said = str(caught.value)
    assert "\n" not in said
    assert external.grafana_auth[1] not in said
    return said


def test_it_is_a_stack(external: ExternalStack) -> None:
    """It stands behind the same interface as the others, and starting and stopping it changes nothing."""
    assert isinstance(external, Stack)
    external.start()
    external.stop()
    assert external.keep()


@pytest.mark.parametrize(
    ("health", "used"),
    [
        ({"version": "12.4.4"}, GrafanaUsed(kind=GrafanaKind.EXTERNAL, version="12.4.4")),
        (standin.health(), GrafanaUsed(kind=GrafanaKind.STANDIN, version=standin.VERSION)),
    ],
    ids=["a Grafana", "the stand-in"],
)
def test_which_grafana_it_is(
    health: dict[str, Any], used: GrafanaUsed, external: ExternalStack, httpserver: HTTPServer
) -> None:
    """Its own `/api/health` says it, and nothing is claimed of one that does not answer."""
    httpserver.clear()
    httpserver.expect_request("/api/health").respond_with_json({"database": "ok", **health})
    assert external.grafana == used

    silent = replace(external.urls, grafana="http://127.0.0.1:1")
    assert replace(external, urls=silent).grafana is None


@pytest.mark.parametrize(
    ("wanted", "health", "is_there"),
    [
        ("real", standin.health(), "stand-in"),
        ("standin", {"version": "12.4.4"}, "Grafana 12.4.4 (external)"),
        ("real", {}, None),
        ("standin", standin.health(), None),
        ("auto", standin.health(), None),
    ],
)
def test_who_insists_gets_no_other(
    wanted: GrafanaChoice, health: dict[str, Any], is_there: str | None, external: ExternalStack, httpserver: HTTPServer
) -> None:
    """`--grafana real` is not content with the stand-in, nor the other way round; the sentence says what is there."""
    httpserver.clear()
    for path in ("/-/ready", "/metrics", "/api/search"):
        httpserver.expect_request(path).respond_with_data("{}")
    httpserver.expect_request("/api/health").respond_with_json({"database": "ok", **health})

    insisting = replace(external, wanted=wanted)
    if is_there is None:
        insisting.start()
    else:
        assert f"--grafana {wanted}: what answers at --grafana-url is {is_there}: " in refusal(insisting)


def test_a_missing_textfile_directory_is_named(external: ExternalStack, tmp_path: Path) -> None:
    """The directory has to be there; it is not made."""
    said = refusal(replace(external, textfile_dir=tmp_path / "gone"))

    assert f"--textfile-dir {tmp_path / 'gone'}" in said
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize(
    ("field", "title", "option"),
    [
        ("prometheus", "Prometheus", "--prometheus-url"),
        ("grafana", "Grafana", "--grafana-url"),
        ("node_exporter", "node_exporter", "--node-exporter-url"),
    ],
)
def test_a_silent_server_is_named_with_its_option(field: str, title: str, option: str, external: ExternalStack) -> None:
    """Who does not answer is named, with the address asked and the option it came from."""
    addresses = {each: getattr(external.urls, each) for each in ("prometheus", "grafana", "node_exporter")}
    urls = Urls(**{**addresses, field: "http://user:pass-in-url@127.0.0.1:1"}, engine=None)

    said = refusal(replace(external, urls=urls))

    assert said.startswith(f"{title} cannot be reached at http://127.0.0.1:1 ")
    assert said.endswith(f"(see {option})")
    assert "pass-in-url" not in said


def test_a_password_in_an_address_is_a_secret(external: ExternalStack) -> None:
    """It is known for redaction, as typed and as meant."""
    urls = replace(external.urls, prometheus="http://user:p%40ss-word@127.0.0.1:1")

    assert {"p%40ss-word", "p@ss-word", "a-made-up-token"} == set(replace(external, urls=urls).secrets)


def test_an_unhealthy_server_is_not_taken(external: ExternalStack, httpserver: HTTPServer) -> None:
    """A server that answers with an error is running and not healthy."""
    httpserver.clear()
    httpserver.expect_request("/-/ready").respond_with_data("starting", status=503)

    assert "Prometheus answered HTTP 503" in refusal(external)
    state = external.services()[0]
    assert (state.name, state.running, state.healthy) == ("prometheus", True, False)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_login_is_known_before_any_test(status: int, external: ExternalStack, httpserver: HTTPServer) -> None:
    """A wrong token is one sentence about the option, not a failure of every panel."""
    httpserver.clear()
    for path in ("/-/ready", "/api/health", "/metrics"):
        httpserver.expect_request(path).respond_with_data("{}")
    httpserver.expect_request("/api/search").respond_with_data("no", status=status)

    assert "--grafana-login" in refusal(external)


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        ("user=reader\npassword=a-made-up-password\n", "Basic cmVhZGVyOmEtbWFkZS11cC1wYXNzd29yZA=="),
        ("a-made-up-bearer=\n", "Bearer a-made-up-bearer="),
        (None, None),
        ("user=reader\npassword=another\n", None),
    ],
    ids=["password", "token", "no login", "another password"],
)
def test_m8_a_prometheus_that_asks_for_a_login(
    content: str | None, sent: str | None, external: ExternalStack, httpserver: HTTPServer, tmp_path: Path
) -> None:
    """It is sent, and is a secret; one that is refused is a sentence about the option."""
    file = tmp_path / "login"
    file.write_text(content or "", encoding="utf-8")
    login = None if content is None else read_login(file, option="--prometheus-login")
    httpserver.clear()
    for path in ("/api/health", "/metrics", "/api/search"):
        httpserver.expect_request(path).respond_with_data("{}")
    if sent is None:
        httpserver.expect_request("/-/ready").respond_with_data("who are you?", status=401)
    else:
        httpserver.expect_request("/-/ready", headers={"Authorization": sent}).respond_with_data("ready")
    locked = replace(external, urls=replace(external.urls, prometheus_auth=login))
    if sent is None:
        assert "(the login was refused)" in refusal(locked)
        assert refusal(locked).endswith("(see --prometheus-login)")
    else:
        locked.start()
        assert login is not None
        assert login[1] in locked.secrets


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file or directory"), ("no certificate", "it holds no certificate in PEM")]
)
def test_m8_a_file_that_holds_no_ca(content: str | None, why: str, tmp_path: Path) -> None:
    """It is named before anything is asked, instead of trusting nobody or everybody."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    (tmp_path / "login").write_text("token", encoding="utf-8")
    wanted = StackChoice(
        choice="external",
        prometheus_url="https://127.0.0.1:1",
        grafana_url="https://127.0.0.1:1",
        textfile_dir=tmp_path,
        grafana_login=tmp_path / "login",
        ca=file,
    )
    with pytest.raises(StackError) as caught, open_stack(wanted, project=ROOT, tell=print):
        pytest.fail("it was opened")
    assert str(caught.value) == f"--ca {file}: cannot be used: {why}"


@pytest.mark.parametrize("verb", ["stop_service", "start_service", "pause_service", "resume_service"])
def test_nothing_of_it_is_touched(verb: str, external: ExternalStack) -> None:
    """A test that would break something is told so."""
    with pytest.raises(StackError, match="redis is external"):
        getattr(external, verb)("redis")


def test_preflight_runs_as_the_user_would(
    external: ExternalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings come from the user's own environment; the textfile directory is the one that was named."""
    for name in [name for name in os.environ if name.startswith("PREFLIGHT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFLIGHT_LEDGER", str(tmp_path / "ledger.sqlite"))
    monkeypatch.setenv("PREFLIGHT_SPOOL_DIR", str(tmp_path / "spool"))
    monkeypatch.setenv("PREFLIGHT_REDIS__HOST", "127.0.0.1")
    monkeypatch.setenv("PREFLIGHT_REDIS__PORT", "1")
    monkeypatch.setenv("PREFLIGHT_REDIS__PASSWORD", "a-made-up-password")

    run = external.run_preflight("--env", "paper")

    redis = next(check for check in run.report["checks"] if check["id"] == "redis")
    assert (run.exit_code, redis["status"]) == (1, "fail"), run.stdout + run.stderr
    assert run.report["textfile"] == str(tmp_path / "arbitrage_preflight_paper.prom")
    assert "arbitrage_preflight_runs_total" in run.prom
    assert "a-made-up-password" not in json.dumps(run.report) + run.stdout + run.stderr
