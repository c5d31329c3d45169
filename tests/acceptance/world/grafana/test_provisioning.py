from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests

from acceptance.probes.grafana import GrafanaClient, ServedDashboard
from acceptance.probes.grafana_log import provisioning_problems
from acceptance.stack.wait import Observation, wait_until
from acceptance.world.grafana.logfmt import LogfmtLog
from acceptance.world.grafana.provisioning.dashboards import Library
from acceptance.world.grafana.provisioning.datasources import load_datasources
from acceptance.world.grafana.provisioning.providers import load_providers
from acceptance.world.grafana.provisioning.yaml_files import ProvisioningError, fill
from tests.acceptance.world.grafana.provisioning_files import SOURCE, dashboard
from tests.acceptance.world.grafana.running import ADMIN, standin

NOWHERE = "http://127.0.0.1:9"


def library(folder: Path) -> tuple[Library, StringIO]:
    """The dashboards of a provisioning folder, as after the start."""
    log = StringIO()
    loaded = Library(load_providers(folder, {"DASHBOARDS_PATH": str(folder / "files")}), LogfmtLog(log))
    loaded.scan()
    return loaded, log


def uids(loaded: Library) -> list[str]:
    return [one.file.uid for one in loaded.dashboards]


def put(folder: Path, name: str, content: Any) -> Path:
    path = folder / "files" / f"{name}.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"dashboard": dashboard("bad")}, "failed to load dashboard from: Dashboard title cannot be empty"),
        ({"uid": "bad", "panels": []}, "failed to load dashboard from: Dashboard title cannot be empty"),
        (dashboard("bad") | {"title": 7}, "failed to load dashboard from: Dashboard title cannot be empty"),
        ('{"uid": "bad", "title": "cut', "failed to load dashboard from: no JSON: Unterminated string"),
        ("[" * 100_000, "failed to load dashboard from: no JSON: "),
        ("[]", "failed to load dashboard from: no JSON object but a list"),
        ("", "failed to load dashboard from: no JSON: Expecting value"),
        (dashboard("b" * 41), "failed to save dashboard: uid too long, max 40 characters"),
        (dashboard("b d"), "failed to save dashboard: uid contains illegal characters"),
    ],
    ids=["wrapped", "no-title", "title-7", "cut", "deep", "list", "empty", "long-uid", "odd-uid"],
)
def test_a_file_that_grafana_refuses_is_not_served(content: Any, reason: str, folder: Path) -> None:
    """The others are served, and the harness's own probe finds file and reason in the log, once."""
    put(folder, "bad", content)
    loaded, log = library(folder)
    loaded.scan()
    problems = provisioning_problems(log.getvalue())
    assert uids(loaded) == ["a", "b"]
    assert [one.startswith(f"Grafana would not load bad.json: {reason}") for one in problems] == [True]
    assert log.getvalue().count("bad.json") == 1


def test_of_two_files_with_one_uid_neither_is_updated(folder: Path) -> None:
    """The log names uid, count and provider; what was served stays as it was, until one of them goes."""
    loaded, log = library(folder)
    second = put(folder, "copy", dashboard("a", "A copy"))
    put(folder, "a", dashboard("a", "A new title"))
    loaded.scan()
    assert [one.file.title for one in loaded.dashboards] == ["Title of a", "Title of b"]
    assert provisioning_problems(log.getvalue()) == (
        "Grafana would not load provisioning: the same UID is used more than once: times 2, uid a",
    )
    second.unlink()
    loaded.scan()
    assert [one.file.title for one in loaded.dashboards] == ["A new title", "Title of b"]


def test_of_two_files_with_one_title_the_second_is_not_served(folder: Path) -> None:
    """Also from the start; the log names the title."""
    put(folder, "c", dashboard("c", "Title of a"))
    loaded, log = library(folder)
    assert uids(loaded) == ["a", "b"]
    assert provisioning_problems(log.getvalue()) == (
        "Grafana would not load provisioning: dashboard title is not unique in folder: times 2, title Title of a",
    )


def test_a_changed_file_is_served_without_a_restart(folder: Path) -> None:
    """After updateIntervalSeconds, with the next version and the same id; a broken change leaves the old one."""
    provider = folder / "dashboards" / "arbitrage.yml"
    text = provider.read_text(encoding="utf-8")
    provider.write_text(text.replace("updateIntervalSeconds: 10", "updateIntervalSeconds: 0.05"), encoding="utf-8")
    with standin(folder, NOWHERE) as running, GrafanaClient(running.url, auth=ADMIN) as grafana:

        def until(title: str) -> ServedDashboard:
            def served() -> Observation[ServedDashboard]:
                found = grafana.dashboard("a")
                return Observation[ServedDashboard](done=found.title == title, said=found.title, value=found)

            return wait_until(served, asked=f"the title {title}", timeout=5).value or grafana.dashboard("a")

        first = grafana.dashboard("a")
        put(folder, "a", dashboard("a", "Changed"))
        second = until("Changed")
        put(folder, "a", "{")
        put(folder, "b", dashboard("b", "Changed too"))
        wait_until(
            lambda: Observation[None](done=grafana.dashboard("b").title == "Changed too", said="b is as it was"),
            asked="the other change",
            timeout=5,
        )
        assert grafana.dashboard("a").dashboard == second.dashboard
    assert [one.dashboard["version"] for one in (first, second)] == [1, 2]
    assert first.dashboard["id"] == second.dashboard["id"]


@pytest.mark.parametrize(("keeps", "left"), [("true", ["a", "b"]), ("false", ["b"])])
def test_a_deleted_file(keeps: str, left: list[str], folder: Path) -> None:
    """Its dashboard goes with it, or stays as one that is not provisioned, as disableDeletion says."""
    provider = folder / "dashboards" / "arbitrage.yml"
    text = provider.read_text(encoding="utf-8")
    provider.write_text(text.replace("disableDeletion: true", f"disableDeletion: {keeps}"), encoding="utf-8")
    loaded, _ = library(folder)
    (folder / "files" / "a.json").unlink()
    loaded.scan()
    assert uids(loaded) == left
    assert [one.document()["meta"]["provisioned"] for one in loaded.dashboards] == [uid != "a" for uid in left]


def test_a_missing_folder_of_dashboards_is_told(folder: Path) -> None:
    """No dashboard is served, the log says which folder, and everything else works."""
    (folder / "files").rename(folder / "elsewhere")
    with standin(folder, NOWHERE) as running:
        assert running.get("/api/search").json() == []
        assert len(running.get("/api/datasources").json()) == 1
        problems = provisioning_problems(running.log.getvalue())
    assert problems == (
        f"Grafana would not load provisioning: Cannot read directory: stat {folder / 'files'}: no such directory",
    )


def test_folders_follow_the_files_where_provisioning_says_so(folder: Path) -> None:
    """foldersFromFilesStructure: a dashboard lies in the folder named like its directory, or in the provider's."""
    provider = folder / "dashboards" / "arbitrage.yml"
    text = provider.read_text(encoding="utf-8")
    provider.write_text(
        text.replace("Structure: false", "Structure: true").replace("Arbitrage", '""'), encoding="utf-8"
    )
    (folder / "files" / "Risk").mkdir()
    put(folder, "Risk/c", dashboard("c"))
    put(folder, ".hidden", dashboard("hidden"))
    with standin(folder, NOWHERE) as running:
        hits = {hit["uid"]: hit.get("folderTitle") for hit in running.get("/api/search?type=dash-db").json()}
        general = running.get("/api/dashboards/uid/a").json()["meta"]
        folders = [hit["title"] for hit in running.get("/api/search?type=dash-folder").json()]
    assert hits == {"a": None, "b": None, "c": "Risk"}
    assert (general["folderTitle"], general["folderId"], general["folderUid"]) == ("General", 0, "")
    assert folders == ["Risk"]


def test_search_narrows_by_every_parameter(folder: Path) -> None:
    """Part of a title in any case, type, tag, uid, and pages of a limit."""
    put(folder, "c", dashboard("c", "Health", tags=["x", "y"]))
    put(folder, "d", dashboard("d", "Tagged badly", tags="x"))
    with standin(folder, NOWHERE) as running:

        def found(question: str) -> list[str]:
            return [hit["title"] for hit in running.get(f"/api/search?{question}").json()]

        assert found("") == ["Arbitrage", "Health", "Tagged badly", "Title of a", "Title of b"]
        assert found("query=TITLE") == ["Title of a", "Title of b"]
        assert found("type=dash-folder") == ["Arbitrage"]
        assert found("tag=x&tag=y") == ["Health"]
        assert found("dashboardUIDs=b&dashboardUIDs=c") == ["Health", "Title of b"]
        assert found("type=dash-db&limit=2&page=2") == ["Title of a", "Title of b"]
        assert found("limit=many&page=0") == found("")


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ("$NAME", "value"),
        ("http://${NAME}:1", "http://value:1"),
        ("$UNKNOWN", ""),
        ("cost $$5 $$NAME", "cost $5 $NAME"),
        ({"$NAME": ["$NAME", 7, None]}, {"$NAME": ["value", 7, None]}),
    ],
)
def test_values_are_filled_from_the_environment(value: Any, filled: Any) -> None:
    """As Grafana documents it: $NAME and ${NAME} in values, never in keys; $$ is a dollar sign."""
    assert fill(value, {"NAME": "value"}) == filled


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("datasources: [", "prometheus.yml: yaml: "),
        ("\x00", "prometheus.yml: yaml: "),
        ("- a\n- b\n", "prometheus.yml: yaml: a mapping is wanted, not a list"),
        ("datasources: 7", "prometheus.yml: `datasources` has to be a list"),
        ("datasources:\n  - url: http://x\n", "prometheus.yml: every datasource needs a `name` and a `type`"),
        (
            "datasources:\n  - {name: a, type: b, jsonData: 7}\n",
            "jsonData and secureJsonData of 'a' have to be mappings",
        ),
        (
            "datasources:\n  - {name: a, type: b, isDefault: true}\n  - {name: c, type: b, isDefault: true}\n",
            "Only one datasource per organization can be marked as default",
        ),
    ],
)
def test_datasources_that_grafana_would_not_start_with(text: str, reason: str, folder: Path) -> None:
    """A file that is no YAML, or none of datasources, ends the start with the file and the reason."""
    (folder / "datasources" / "prometheus.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ProvisioningError) as caught:
        load_datasources(folder, {}, LogfmtLog(StringIO()))
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("providers: {", "yaml: "),
        ("providers: 7", "`providers` has to be a list"),
        ("providers: [7]", "every provider needs `options` with a `path`"),
        ("providers: [{name: a, type: s3, options: {path: /x}}]", "provider 'a' is of type 's3'; only `file` is known"),
        ("providers: [{name: a, options: {path: $UNSET}}]", "provider 'a' has no `path`"),
    ],
)
def test_providers_that_grafana_would_not_start_with(text: str, reason: str, folder: Path) -> None:
    """The same of dashboard providers."""
    (folder / "dashboards" / "arbitrage.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ProvisioningError) as caught:
        load_providers(folder, {})
    assert "arbitrage.yml: " in str(caught.value)
    assert reason in str(caught.value)


def test_a_datasource_without_url_is_told_and_refuses_its_queries(folder: Path) -> None:
    """The server starts, its log says so, and each query's error names the datasource."""
    with standin(folder, "") as running:
        answer = running.query("up")
        problems = provisioning_problems(running.log.getvalue())
    assert answer.status_code == 400
    assert (
        answer.json()["results"]["A"]["error"] == f"datasource Prometheus ({SOURCE}) cannot be reached: it has no url"
    )
    told = "datasource has no url, so that none of its queries can be answered"
    assert problems == (f"Grafana would not load prometheus.yml: {told}: uid {SOURCE}",)


def test_secrets_of_a_datasource_are_not_shown(folder: Path, httpserver: Any) -> None:
    """Its password goes to Prometheus in basic authentication, and nowhere else."""
    source = folder / "datasources" / "prometheus.yml"
    more = "    basicAuth: true\n    basicAuthUser: reader\n    secureJsonData:\n      basicAuthPassword: s3cret-word\n"
    source.write_text(source.read_text(encoding="utf-8") + more, encoding="utf-8")
    headers = {"Authorization": "Basic cmVhZGVyOnMzY3JldC13b3Jk"}
    success = {"status": "success", "data": {"resultType": "vector", "result": []}}
    httpserver.expect_request("/api/v1/query", headers=headers).respond_with_json(success)
    with standin(folder, httpserver.url_for("")) as running:
        assert running.query("up").status_code == 200
        shown = [running.get(path).text for path in ("/api/datasources", f"/api/datasources/uid/{SOURCE}")]
    assert '"secureJsonFields":{"basicAuthPassword":true}' in shown[1]
    assert "s3cret-word" not in "".join(shown) + running.log.getvalue()


def test_how_much_was_provisioned_is_told_without_a_login(folder: Path) -> None:
    """For a healthcheck: in a path of its own, since `/api/health` is as a Grafana's."""
    with standin(folder, NOWHERE) as running:
        before = requests.get(f"{running.url}/healthz", timeout=5).text
        put(folder, "another", dashboard("another"))
        running.site.library.scan()
        after = requests.get(f"{running.url}/healthz", timeout=5).text
    assert (before.partition(",")[0], after.partition(",")[0]) == ("datasources 1", "datasources 1")
    assert int(after.rpartition(" ")[2]) == int(before.rpartition(" ")[2]) + 1
