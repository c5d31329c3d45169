"""Stopping, freezing and starting one service of a compose project, and waiting until it is ready again."""

from __future__ import annotations

from acceptance.stack import compose_diagnosis, compose_engine
from acceptance.stack.base import SERVICES, StackError
from acceptance.stack.compose_project import Project
from acceptance.stack.readiness import HopelessError, ask, must_have_hope
from acceptance.stack.spec import Question
from acceptance.stack.wait import Answer, WaitTimeoutError, wait_until

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
    done = compose_engine.docker(verb, *options, project.container(service), seconds=_VERB_SECONDS)
    if done.code != 0:
        message = f"docker {verb} {service}: {done.said}"
        raise StackError(message, service=service)


def wait_ready(project: Project, service: str, question: Question) -> None:
    """Ask a service until it answers as wanted.

    Raises:
        StackError: It does not in time, or has said that it never will; with the last answer and the end of its log.
    """

    def probe() -> Answer[None]:
        answer = ask(question)
        if not answer.done and service == "grafana":
            must_have_hope(compose_diagnosis.log(project, service))
        return answer

    try:
        wait_until(probe, asked=question.asked, timeout=READY_SECONDS)
    except HopelessError as error:
        raise StackError(f"{service} will not get ready: {error}", service=service) from error
    except WaitTimeoutError as error:
        tail = compose_diagnosis.log(project, service, lines=compose_diagnosis.LOG_LINES)
        message = f"{service} did not get ready: {error}\nend of its log:\n{tail}"
        raise StackError(message, service=service) from error
