"""Stopping, freezing and starting one service of a compose project, and waiting until it is ready again."""

from __future__ import annotations

from acceptance.stack.compose import diagnosis
from acceptance.stack.compose.project import Project
from acceptance.stack.docker import docker_cli
from acceptance.stack.interface import SERVICES, StackError
from acceptance.stack.readiness import NeverReadyError, Question, ask, must_be_able_to_start
from acceptance.stack.wait import Observation, WaitTimeoutError, wait_until

READY_SECONDS = 60.0
"""For one service to answer its question again."""

_VERB_SECONDS = 30.0


def must_be_known(service: str) -> None:
    """Refuse a name that no service has.

    Raises:
        StackError: There is no such service; says which there are.
    """
    if service not in SERVICES:
        message = f"no service {service!r} in this stack; there are: {', '.join(SERVICES)}"
        raise StackError(message, service=service)


def tell(project: Project, service: str, verb: str, *options: str) -> None:
    """Run ``docker stop``, ``start``, ``pause`` or ``unpause`` on a service's container.

    Raises:
        StackError: No such service, or Docker refuses.
    """
    must_be_known(service)
    container = project.container(service)
    if verb == "pause":
        done = docker_cli.pause(container, seconds=_VERB_SECONDS)
    else:
        done = docker_cli.docker(verb, *options, container, seconds=_VERB_SECONDS)
    if done.code != 0:
        message = f"docker {verb} {service}: {done.said}"
        raise StackError(message, service=service)


def wait_ready(project: Project, service: str, question: Question) -> None:
    """Ask a service until it answers as wanted.

    Raises:
        StackError: It does not in time, or has said that it never will; with the last answer and the end of its log.
    """

    def probe() -> Observation[None]:
        answer = ask(question)
        if not answer.done and service == "grafana":
            must_be_able_to_start(diagnosis.log(project, service))
        return answer

    try:
        wait_until(probe, asked=question.asked, timeout=READY_SECONDS)
    except NeverReadyError as error:
        raise StackError(f"{service} will not get ready: {error}", service=service) from error
    except WaitTimeoutError as error:
        tail = diagnosis.log(project, service, lines=diagnosis.LOG_LINES)
        message = f"{service} did not get ready: {error}\nend of its log:\n{tail}"
        raise StackError(message, service=service) from error
