"""What a service needs is proven before it starts, and what the others need of it before it counts as healthy."""

from __future__ import annotations

import json
import shlex
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from acceptance.stack.compose import diagnosis
from acceptance.stack.compose import project as compose_project
from acceptance.stack.compose.diagnosis import Container
from acceptance.stack.compose.images import choose
from acceptance.stack.compose.remedies import REMEDIES, for_words
from acceptance.stack.docker import docker_cli
from acceptance.stack.docker.docker_cli import DockerResult
from acceptance.stack.interface import SERVICES
from acceptance.stack.ports import Ports
from acceptance.stack.wait import Observation, wait_until

pytestmark = [pytest.mark.compose, pytest.mark.timeout(300)]

SECONDS = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A compose project in which one service after the other can be started, and things can be spoilt before."""

    project: compose_project.Project

    def compose(self, *words: str) -> DockerResult:
        """Run a docker compose command in the project."""
        return docker_cli.run(self.project.argv(*words), seconds=60.0)

    def starts(self, service: str) -> None:
        """Make a service's container and start it, without waiting for it to be healthy."""
        done = self.compose("up", "--detach", "--no-deps", "--pull", "never", "--no-build", service)
        assert done.code == 0, done.said

    def container(self, service: str) -> Container:
        """How it is doing now."""
        return diagnosis.containers(self.project)[service]

    def gives_up(self, service: str) -> str:
        """Start a service that has to refuse; give its log."""
        self.starts(service)

        def probe() -> Observation[None]:
            now = self.container(service)
            assert now.health != "healthy", "it was healthy once"
            return Observation(done=now.restarts > 0 or now.status == "exited", said=str(now))

        wait_until(probe, asked=f"whether {service} refuses to start", timeout=SECONDS, interval=0.1)
        self.compose("stop", "--timeout", "2", service)
        return diagnosis.log(self.project, service)

    def gets_healthy(self, service: str) -> None:
        """Wait until its healthcheck passes; one that passes says nothing."""

        def probe() -> Observation[None]:
            now = self.container(service)
            return Observation(done=now.is_well and not now.health_said, said=f"{now}: {now.health_said}")

        wait_until(probe, asked=f"{service} healthy", timeout=SECONDS, interval=0.2)

    def fails(self, service: str, said: str) -> None:
        """Wait until its healthcheck fails in these words; Docker calls it unhealthy after 40 in a row only."""

        def probe() -> Observation[None]:
            now = self.container(service)
            return Observation(
                done=now.status == "running" and said in now.health_said, said=f"{now}: {now.health_said}"
            )

        wait_until(probe, asked=f"whether {service} fails with {said!r}", timeout=SECONDS, interval=0.2)

    def close(self, path: Path) -> None:
        """What a umask of 077 makes of it."""
        for each in (path, *path.rglob("*")):
            each.chmod(0o700 if each.is_dir() else 0o600)


@pytest.fixture(scope="module")
def images() -> dict[str, str]:
    """Variable -> image, all of them there."""
    return dict(choose.prepare("local").names)


@pytest.fixture
def bench(images: dict[str, str]) -> Iterator[Bench]:
    """A project of its own, nothing of it running; its containers and volumes go at the end."""
    with Ports.free(SERVICES) as free:
        ports = free.as_dict()
    root = choose.ROOT
    project = compose_project.create(
        root,
        images=images,
        ports=ports,
        interval="1s",
        monitoring=root / "monitoring",
        overrides={"HEALTHCHECK_INTERVAL": "1s"},
    )
    made = Bench(project=project)
    yield made
    done = made.compose("--profile", "preflight", "down", "--volumes", "--timeout", "2")
    shutil.rmtree(project.folder)
    assert done.code == 0, done.said


# --- secrets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["unreadable", "empty"])
@pytest.mark.parametrize(
    ("service", "secret"),
    [
        ("redis", "redis_password"),
        ("postgres", "postgres_owner_password"),
        ("postgres", "postgres_password"),
        ("engine", "redis_password"),
        ("engine", "postgres_password"),
        ("grafana", "grafana_admin_password"),
        ("grafana", "grafana_secret_key"),
    ],
)
def test_without_its_secret_a_service_does_not_start(bench: Bench, service: str, secret: str, trouble: str) -> None:
    """K4: Neither without a password nor with a well-known one: it ends, and says which file it is about."""
    path = bench.project.secrets_dir / secret
    value = path.read_text(encoding="utf-8")
    if trouble == "empty":
        path.write_text("", encoding="utf-8")
    else:
        path.chmod(0o400)
    log = bench.gives_up(service)
    assert secret in log
    assert value not in log
    assert "Traceback" not in log


def test_the_gate_does_not_run_without_its_secret(bench: Bench) -> None:
    """Exit 2, a usage error, with the file's name: never a run with no password."""
    (bench.project.secrets_dir / "redis_password").chmod(0o400)
    done = bench.compose("run", "--rm", "--no-deps", "-T", "preflight", "--env", "paper")
    assert done.code == 2, done.said
    assert "redis_password" in done.stdout + done.stderr


@pytest.mark.parametrize("password", ['quo"te', "back\\slash", "sp ace#$'x", "größe"], ids=str)
def test_redis_has_the_password_of_the_file_whatever_is_in_it(bench: Bench, password: str) -> None:
    """K7: Healthy means that exactly this password is answered, and it is in no log."""
    path = bench.project.secrets_dir / "redis_password"
    path.chmod(0o644)
    path.write_text(f"{password}\n", encoding="utf-8")
    bench.starts("redis")
    bench.gets_healthy("redis")
    assert password not in diagnosis.log(bench.project, "redis")


@pytest.mark.parametrize("part", ["base.rdb", "incr.aof"])
def test_k14_a_redis_whose_data_is_damaged_has_its_remedy(bench: Bench, part: str) -> None:
    """It ends, and its words lead to the row that says what is lost and how to bring it back."""
    bench.starts("redis")
    bench.gets_healthy("redis")
    script = "REDISCLI_AUTH=$(cat /run/secrets/redis_password) redis-cli -h 127.0.0.1 set kept first"
    assert bench.compose("exec", "-T", "redis", "sh", "-c", script).code == 0
    assert bench.compose("stop", "--timeout", "5", "redis").code == 0
    image = bench.container("redis").image
    damage = f"for each in /data/appendonlydir/*.{part}; do head -c 64 /dev/urandom >$each; done"
    volume = f"{bench.project.name}_redis-data:/data"
    run = ("run", "--rm", "--user", "0", "-v", volume, "--entrypoint", "sh", image, "-c", damage)
    assert docker_cli.docker(*run).code == 0
    log = bench.gives_up("redis")
    assert for_words(log) is REMEDIES["damaged redis"], log


def test_a_redis_without_a_password_is_not_healthy(bench: Bench) -> None:
    """K4: Answering is not enough: a client without the password has to be refused."""
    bench.starts("redis")
    bench.gets_healthy("redis")
    script = 'REDISCLI_AUTH=$(cat /run/secrets/redis_password) redis-cli -h 127.0.0.1 config set requirepass "$1"'
    for value, said in (("", "without a password it answers: PONG"), ("another", "with its password it answers: ")):
        done = bench.compose("exec", "-T", "redis", "sh", "-c", script, "sh", value)
        assert "OK" in done.stdout, done.said
        bench.fails("redis", said)


# --- Postgres' role and database -----------------------------------------------------------------------------------


def test_postgres_does_not_start_with_an_init_folder_that_it_cannot_read(bench: Bench) -> None:
    """K2: Nothing is set up without the role; once the folder is readable, the same volume is set up whole."""
    folder = bench.project.folder / "postgres"
    bench.close(folder)
    log = bench.gives_up("postgres")
    assert "/docker-entrypoint-initdb.d" in log
    assert "make images" in log
    folder.chmod(0o755)
    log = bench.gives_up("postgres")
    assert "/docker-entrypoint-initdb.d/" in log
    for each in folder.iterdir():
        each.chmod(0o644)
    bench.starts("postgres")
    bench.gets_healthy("postgres")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("DROP DATABASE arbitrage WITH (FORCE)", "there is no database arbitrage"),
        ("DROP DATABASE arbitrage WITH (FORCE); DROP ROLE arbitrage", "there is no role arbitrage"),
        ("ALTER ROLE arbitrage PASSWORD 'another'", "password authentication failed"),
        ("ALTER ROLE arbitrage NOLOGIN", "is not permitted to log in"),
        ("ALTER DATABASE arbitrage OWNER TO postgres", "the role arbitrage may make no tables in its schema"),
    ],
    ids=["no database", "no role", "another password", "no login", "no tables"],
)
def test_a_postgres_that_the_bot_cannot_use_is_not_healthy(bench: Bench, spoil: str, said: str) -> None:
    """K2: Its healthcheck says what is missing, and the documented line makes it without touching the rest."""
    bench.starts("postgres")
    bench.gets_healthy("postgres")
    words = [word for each in spoil.split("; ") for word in ("-c", each)]
    done = bench.compose("exec", "-T", "postgres", "psql", "-U", "postgres", *words)
    assert done.code == 0, done.said
    bench.fails("postgres", said)
    again = ("sh", "/docker-entrypoint-initdb.d/10-application-role.sh")
    done = bench.compose("exec", "-T", "postgres", *again)
    assert done.code == 0, done.said
    bench.gets_healthy("postgres")


# --- folders of configuration --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "folder", "named"),
    [
        ("prometheus", "prometheus/rules", "/etc/prometheus/rules"),
        ("prometheus", "prometheus/targets", "/etc/prometheus/targets"),
        ("grafana", "grafana/provisioning", "/etc/grafana/provisioning"),
        ("grafana", "grafana/dashboards", "/etc/grafana/dashboards"),
    ],
)
def test_an_unreadable_folder_of_configuration_ends_the_start(
    bench: Bench, service: str, folder: str, named: str
) -> None:
    """Not a Prometheus without rules or a Grafana without dashboards: one sentence with the path."""
    bench.close(bench.project.folder / folder)
    log = bench.gives_up(service)
    assert named in log
    assert "make images" in log


@pytest.mark.parametrize(
    ("folder", "said"), [("rules", "it has no alerting rules"), ("targets", "it has no targets")], ids=str
)
def test_a_prometheus_that_watches_nothing_is_not_healthy(bench: Bench, folder: str, said: str) -> None:
    """It is ready without rules and targets too; healthy it is with both."""
    for path in (bench.project.prometheus_config / folder).iterdir():
        path.unlink()
    bench.starts("prometheus")
    bench.fails("prometheus", said)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("dashboards/d77_system_health.json", "dashboards 5, and"),
        ("provisioning/datasources/prometheus.yml", "datasources 0"),
    ],
    ids=["dashboard", "datasource"],
)
def test_a_grafana_without_its_dashboards_or_datasource_is_not_healthy(bench: Bench, spoil: str, said: str) -> None:
    """It answers, and shows nothing: healthy it is with the datasource and all six."""
    path = bench.project.folder / "grafana" / spoil
    whole = path.read_text(encoding="utf-8")
    path.write_text("{}" if path.suffix == ".json" else "apiVersion: 1\n", encoding="utf-8")
    bench.starts("grafana")
    bench.fails("grafana", said)
    path.write_text(whole, encoding="utf-8")
    assert bench.compose("restart", "--timeout", "2", "grafana").code == 0
    bench.gets_healthy("grafana")


@pytest.mark.parametrize(
    ("age", "dashboards", "datasources", "said"),
    [
        (600, 6, 1, ""),
        (600, 9, 2, ""),
        (600, 5, 1, "dashboards 5, and"),
        (600, 6, 0, "datasources 0"),
        (60, 0, 0, ""),
        (600, None, None, ""),
    ],
    ids=["all", "more", "dashboard missing", "datasource missing", "not counted yet", "counts switched off"],
)
def test_a_real_grafana_is_asked_for_what_it_counts(
    bench: Bench, age: int, dashboards: int | None, datasources: int | None, said: str
) -> None:
    """The healthcheck as it is, in the container, on the pages that a Grafana serves without a login.

    Grafana counts for the first time 30 to 120 s after its start; until then its page says 0.
    """
    page = f"process_start_time_seconds {time.time() - age:.9e}\n"
    if dashboards is not None:
        page += f"grafana_stat_totals_dashboard {dashboards}\n"
    if datasources:
        page += f'grafana_stat_totals_datasource{{plugin_id="prometheus"}} {datasources}\n'
    bench.starts("grafana")
    bench.gets_healthy("grafana")
    container = bench.project.container("grafana")
    shown = docker_cli.docker("inspect", "--format", "{{json .Config.Healthcheck.Test}}", container).stdout
    kind, script = json.loads(shown)
    assert kind == "CMD-SHELL"
    assert "127.0.0.1:3000" in script
    serve = f"""
        mkdir -p /tmp/pages/api && cd /tmp/pages
        echo Ok >healthz && echo '{{}}' >api/health && printf %s {shlex.quote(page)} >metrics
        python3 -m http.server 3999 --bind 127.0.0.1 >/dev/null 2>&1 & server=$!
        until wget -q -O /dev/null http://127.0.0.1:3999/healthz 2>/dev/null; do :; done
        ( {script.replace("127.0.0.1:3000", "127.0.0.1:3999")} )
        code=$?
        kill $server
        exit $code
    """
    done = docker_cli.docker("exec", container, "sh", "-c", serve, seconds=30)
    assert (done.code == 0) is (not said), done.said
    assert said in done.stdout


def test_a_node_exporter_that_cannot_read_its_folder_is_not_healthy(bench: Bench, images: dict[str, str]) -> None:
    """It would serve a page without a metric of preflight's."""
    volume = f"{bench.project.name}_textfile-collector-data:/data"
    bench.starts("node-exporter")
    bench.gets_healthy("node-exporter")
    within = (
        "run",
        "--rm",
        "--user",
        "0",
        "-v",
        volume,
        "--entrypoint",
        "chmod",
        images["REDIS_IMAGE"],
        "0700",
        "/data",
    )
    assert docker_cli.docker(*within).code == 0
    bench.fails("node-exporter", "ermission denied")


def test_a_service_that_has_all_it_needs_starts_as_its_image_would(bench: Bench) -> None:
    """The check before the start leaves the program as process 1, which takes the engine's signals."""
    bench.starts("prometheus")
    bench.gets_healthy("prometheus")
    done = docker_cli.docker("exec", bench.project.container("prometheus"), "cat", "/proc/1/comm")
    assert done.stdout.strip() == "prometheus"
    stopped = bench.compose("stop", "--timeout", "10", "prometheus")
    assert stopped.code == 0
    state = docker_cli.docker("inspect", "--format", "{{json .State}}", bench.project.container("prometheus"))
    assert json.loads(state.stdout)["ExitCode"] == 0
