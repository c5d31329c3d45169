from __future__ import annotations

import os
import re
import socket

import pytest

from acceptance.stack.interface import StackError
from acceptance.stack.ports import HOST, Ports, is_free, port_variable


def test_free_ports_are_distinct_and_free() -> None:
    """Each name gets a port of its own on which a server could listen."""
    names = ("redis", "postgres", "grafana")
    with Ports.free(names) as ports:
        numbers = ports.as_dict()
        assert tuple(numbers) == names
        assert len(set(numbers.values())) == 3
        assert all(is_free(number) for number in numbers.values())


def test_a_port_is_given_to_one_stack_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two stacks that draw the same numbers do not get the same port, even before a server listens."""
    with Ports.free(("a", "b")) as first:
        drawn = sorted(first.as_dict().values())
        monkeypatch.setattr("acceptance.stack.ports._candidates", lambda: drawn)
        with pytest.raises(StackError, match="not enough free ports"):
            Ports.free(("c",))
    with Ports.free(("c", "d")) as second:
        assert sorted(second.as_dict().values()) == drawn


def test_a_taken_port_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port on which something listens is not handed out."""
    with Ports.free(("a", "b")) as ports:
        taken, free = ports["a"], ports["b"]
    monkeypatch.setattr("acceptance.stack.ports._candidates", lambda: [taken, free])
    with socket.create_server((HOST, taken)), Ports.free(("c",)) as ports:
        assert ports["c"] == free


def test_a_taken_fixed_port_names_port_service_culprit_and_the_way_out() -> None:
    """The refusal is one sentence: which port, for what, who has it, and how to choose another."""
    with Ports.free(("prometheus",)) as ports:
        port = ports["prometheus"]
    with socket.create_server((HOST, port)):
        sentence = rf"port {port} for prometheus is taken by .*{os.getpid()}\); .*PROMETHEUS_PORT=\d+ make up"
        with pytest.raises(StackError, match=sentence) as caught:
            Ports.fixed({"prometheus": port})
    assert caught.value.service == "prometheus"


def test_two_services_cannot_have_one_port() -> None:
    """The same number twice is refused before anything starts."""
    with Ports.free(("a",)) as ports:
        port = ports["a"]
    with pytest.raises(StackError, match=f"port {port} for grafana is also wanted by prometheus"):
        Ports.fixed({"prometheus": port, "grafana": port})


def test_a_port_that_is_not_this_users_to_bind_is_taken_by_who_listens_and_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Below 1024 an unprivileged user may not bind: that alone does not make a port taken."""

    class Unprivileged(socket.socket):
        def bind(self, _: object) -> None:
            raise PermissionError

    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(socket, "socket", Unprivileged)
        assert not is_free(port)
    assert is_free(port)


def test_release_gives_the_ports_back() -> None:
    """After release the same ports can be had again, and releasing twice is fine."""
    ports = Ports.free(("a",))
    port = ports["a"]
    with pytest.raises(StackError, match=re.escape(f"port {port} for a is taken")):
        Ports.fixed({"a": port})
    ports.release()
    ports.release()
    Ports.fixed({"a": port}).release()


def test_a_ports_variable_is_named_after_its_service() -> None:
    """``node-exporter`` is chosen by NODE_EXPORTER_PORT."""
    assert port_variable("node-exporter") == "NODE_EXPORTER_PORT"
