from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from acceptance.stack import run_folder
from acceptance.stack.embedded.context import Layout
from acceptance.stack.embedded.supervisor.client import SupervisorClient
from acceptance.stack.interface import StackError
from acceptance.stack.ports import Ports
from acceptance.stack.readiness import http_get
from acceptance.stack.wait import Observation, wait_until
from tests.acceptance.stack.light import Holder, Light, gone, light_spec, vanished


def test_kill_9_of_the_parent_leaves_no_process_and_no_folder(layout: Layout) -> None:
    """When the process that started the stack is killed, every server ends and the run folder goes."""
    with Ports.free(("web", "slow")) as ports:
        holder = Holder(layout, ports, web="serve", slow="stubborn")
        assert len(holder.servers) == 3
        holder.process.kill()
        holder.finish()
        gone([holder.supervisor, *holder.servers])
        vanished(layout.root)


def test_a_forked_copy_of_the_parent_does_not_keep_the_stack_alive(layout: Layout) -> None:
    """A fork of the killed parent holds the pipe open (as multiprocessing does): the stack ends all the same."""
    with Ports.free(("web",)) as ports:
        holder = Holder(layout, ports, fork=True, web="serve")
        copies = [each for each in psutil.Process(holder.process.pid).children() if each != holder.supervisor]
        try:
            holder.process.kill()
            holder.process.wait()
            gone([holder.supervisor, *holder.servers])
            vanished(layout.root)
        finally:
            for each in copies:
                each.kill()
            holder.finish()


def test_ctrl_c_reaches_the_parent_only_and_ends_the_stack_in_order(layout: Layout) -> None:
    """Ctrl-C interrupts the parent, not the servers; the parent then ends them in order."""
    with Ports.free(("web",)) as ports:
        holder = Holder(layout, ports, web="serve")
        assert os.getpgid(holder.supervisor.pid) != os.getpgid(holder.process.pid)
        os.killpg(holder.process.pid, signal.SIGINT)
        assert holder.finish() == "closed in order\n"
        gone([holder.supervisor, *holder.servers])
        vanished(layout.root)


def test_kill_9_of_the_supervisor_ends_the_servers_and_the_next_start_sweeps_its_folder(
    light: Callable[..., Light],
) -> None:
    """The kernel ends the servers of a killed supervisor; its folder is swept once its owners are dead."""
    stack = light(web="serve")
    stack.supervisor.wait_up(timeout=20)
    processes = stack.processes()
    os.kill(stack.supervisor.pid, signal.SIGKILL)
    gone(processes)
    stack.supervisor.close()
    assert stack.layout.root.exists()
    run_folder.sweep(stack.layout.root.parent)
    assert stack.layout.root.exists()  # this process owns it too
    marker = stack.layout.root / ".births.json"
    dead = [[1 << 30, born, namespace] for _, born, namespace in json.loads(marker.read_text())]
    marker.write_text(json.dumps(dead))
    run_folder.sweep(stack.layout.root.parent)  # or the start of another stack on this machine, just before
    assert not stack.layout.root.exists()


def test_a_server_that_dies_at_start_is_named_with_its_exit_code_and_log(light: Callable[..., Light]) -> None:
    """A failing start says which service, what was asked, its exit code and its last words; closing ends the rest."""
    stack = light(web="serve", broken="die")
    with pytest.raises(StackError) as caught:
        stack.supervisor.wait_up(timeout=20)
    text = str(caught.value)
    assert caught.value.service == "broken"
    assert "broken did not become ready" in text
    assert f"asked GET http://127.0.0.1:{stack.ports['broken']}/" in text
    assert "exit code 3" in text
    assert "cannot open the data file" in text
    states = {row["service"]: row["state"] for row in stack.supervisor.request("status")["services"]}
    assert states["broken"] == "died"  # it waits for whoever keeps the evidence; the log is still there as well
    assert "cannot open the data file" in stack.layout.log("broken").read_text()
    processes = stack.processes()
    stack.supervisor.close()
    gone(processes)
    vanished(stack.layout.root)


def test_a_server_that_never_answers_fails_at_its_deadline_with_the_attempts(light: Callable[..., Light]) -> None:
    """A silent server fails when its time is up; the error counts the attempts and gives the last answer."""
    stack = light(timeout=0.4, quiet="silent")
    with pytest.raises(StackError, match=r"asked .* \d\d? times in 0\.\d s; last answer: ConnectionRefused") as caught:
        stack.supervisor.wait_up(timeout=20)
    assert "thinking" in str(caught.value)


def test_a_server_that_ends_while_starting_is_not_started_again(light: Callable[..., Light]) -> None:
    """The first end is the end: a second try would hide what is wrong."""
    stack = light(broken="stumble")
    with pytest.raises(StackError, match="exit code 3"):
        stack.supervisor.wait_up(timeout=20)


def test_a_program_that_is_not_there_is_a_failure_of_its_service(layout: Layout) -> None:
    """A missing program names the service and the program, not a traceback."""
    with Ports.free(("web",)) as ports:
        spec = light_spec(layout, {"web": "serve"}, ports)
        broken = replace(spec, services=(replace(spec.services[0], argv=("/nonexistent/program",)),))
        supervisor = SupervisorClient(broken, log=layout.log("supervisor"))
        try:
            with pytest.raises(StackError, match=r"web .* /nonexistent/program"):
                supervisor.wait_up(timeout=20)
        finally:
            supervisor.close()


def test_a_stopped_service_comes_back_on_its_port_with_its_data(light: Callable[..., Light]) -> None:
    """Stop and start keep port and data; meanwhile the port is silent."""
    stack = light(web="serve")
    stack.supervisor.wait_up(timeout=20)
    port = stack.ports["web"]
    assert http_get(port, "/") == (200, "starts=1")
    stack.supervisor.request("stop", "web")
    with pytest.raises(ConnectionRefusedError):
        http_get(port, "/")
    stack.supervisor.request("start", "web")
    assert http_get(port, "/") == (200, "starts=2")


def test_a_paused_service_answers_nothing_until_resumed(
    light: Callable[..., Light], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A paused service keeps its port but is silent; after resume it answers, not restarted."""
    monkeypatch.setattr("acceptance.stack.readiness.PATIENCE", 0.2)
    stack = light(web="serve")
    stack.supervisor.wait_up(timeout=20)
    stack.supervisor.request("pause", "web")
    with pytest.raises(TimeoutError):
        http_get(stack.ports["web"], "/")
    stack.supervisor.request("resume", "web")
    assert http_get(stack.ports["web"], "/") == (200, "starts=1")


def test_a_paused_stack_can_be_stopped(light: Callable[..., Light]) -> None:
    """Frozen servers are thawed and ended in order."""
    stack = light(web="serve")
    stack.supervisor.wait_up(timeout=20)
    processes = stack.processes()
    stack.supervisor.request("pause", "web")
    stack.supervisor.close()
    gone(processes)


@pytest.mark.parametrize(
    ("verb", "service", "sentence"),
    [
        ("start", "web", "web is ready, not stopped"),
        ("resume", "web", "web is ready, not paused"),
        ("stop", "wbe", "no service 'wbe' here; there are: web"),
    ],
    ids=["start", "resume", "unknown"],
)
def test_a_command_that_makes_no_sense_is_refused(
    light: Callable[..., Light], verb: str, service: str, sentence: str
) -> None:
    """A refused command says why, and the stack lives on."""
    stack = light(web="serve")
    stack.supervisor.wait_up(timeout=20)
    with pytest.raises(StackError, match=sentence):
        stack.supervisor.request(verb, service)
    assert http_get(stack.ports["web"], "/")[0] == 200


def test_a_server_that_dies_later_is_reported_and_can_be_started_again(light: Callable[..., Light]) -> None:
    """The supervisor notices a server that ended by itself, and starts it again when asked."""
    stack = light(web="serve")
    stack.supervisor.wait_up(timeout=20)
    row = stack.supervisor.request("status")["services"][0]
    os.kill(row["pid"], signal.SIGKILL)

    def died() -> Observation[None]:
        state = stack.supervisor.request("status")["services"][0]["state"]
        return Observation(done=state == "died", said=state)

    wait_until(died, asked="the state of web", timeout=5)
    stack.supervisor.request("start", "web")
    assert http_get(stack.ports["web"], "/") == (200, "starts=2")


def test_a_detached_stack_outlives_its_parent_and_ends_on_a_signal(light: Callable[..., Light]) -> None:
    """After detach the closed pipe ends nothing; a SIGTERM to the supervisor ends everything."""
    stack = light(web="serve")
    stack.supervisor.wait_up(timeout=20)
    processes = stack.processes()
    pid = stack.supervisor.detach()
    assert http_get(stack.ports["web"], "/")[0] == 200
    os.kill(pid, signal.SIGTERM)
    gone(processes)
    vanished(stack.layout.root)


def test_a_signal_to_the_supervisor_ends_everything(light: Callable[..., Light]) -> None:
    """A SIGTERM while it is attached ends the stack too, and the parent is told so."""
    stack = light(web="serve")
    stack.supervisor.wait_up(timeout=20)
    processes = stack.processes()
    os.kill(stack.supervisor.pid, signal.SIGTERM)
    gone(processes)
    with pytest.raises(StackError, match="supervisor ended with exit code 0"):
        stack.supervisor.request("stop", "web")


def test_no_secret_is_in_the_supervisors_command_line(light: Callable[..., Light]) -> None:
    """The spec travels over the pipe: the command line is the same for every stack."""
    stack = light(web="serve")
    assert psutil.Process(stack.supervisor.pid).cmdline() == [
        sys.executable,
        "-m",
        "acceptance.stack.embedded.supervisor.server",
    ]


def test_the_services_inherit_no_environment(light: Callable[..., Light], monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the caller's, such as PGHOST, reaches neither supervisor nor servers."""
    monkeypatch.setenv("PGHOST", "elsewhere.example")
    stack = light(web="serve")
    stack.supervisor.wait_up(timeout=20)
    for each in stack.processes():
        assert "PGHOST" not in each.environ()


def test_the_log_folder_takes_each_servers_output(light: Callable[..., Light]) -> None:
    """What a server prints is in its log."""
    stack = light(web="serve")
    stack.supervisor.wait_up(timeout=20)
    assert Path(stack.layout.log("web")).read_text() == "listening\n"
