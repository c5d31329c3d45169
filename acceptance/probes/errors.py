"""What can go wrong while asking a server.

::

    ProbeError
    ├── UnreachableError   nobody listens there, or the name is unknown
    ├── NoAnswerError      connected, but no answer before the timeout
    ├── HttpStatusError    an answer with a status that is not 2xx
    ├── AnswerFormatError  a 2xx answer that is not what was asked for (HTML, half a JSON, another shape)
    ├── QueryError         the server understood and refused (``status=error``, a frame error)
    └── PanelError         a panel of a dashboard cannot be asked, or cannot be read

Every message is one sentence that says what was asked and what came back. Secret values never get in: an
address is shown without its user part, and a client has its own secrets struck out of what the server said.
"""

from __future__ import annotations

__all__ = [
    "AnswerFormatError",
    "HttpStatusError",
    "NoAnswerError",
    "PanelError",
    "ProbeError",
    "QueryError",
    "UnreachableError",
]


class ProbeError(Exception):
    """Root of everything a probe raises."""

    def __init__(
        self, message: str, *, asked: str = "", status: int | None = None, body_head: str | None = None
    ) -> None:
        """Keep the parts of the sentence for whoever wants to judge by them.

        Args:
            message: The whole sentence, for a person.
            asked: Method and address as sent, without secrets.
            status: HTTP status, where there was an answer.
            body_head: The first characters of the answer, where there was one.
        """
        super().__init__(message)
        self.asked = asked
        self.status = status
        self.body_head = body_head


class UnreachableError(ProbeError):
    """Nobody listens at the address."""


class NoAnswerError(ProbeError):
    """No answer came before the timeout."""


class HttpStatusError(ProbeError):
    """The server answered with a status that is not 2xx."""


class AnswerFormatError(ProbeError):
    """The answer cannot be read as what was asked for."""


class QueryError(ProbeError):
    """The server understood the question and refused it."""


class PanelError(ProbeError):
    """A panel cannot be asked or read; the message names dashboard, panel, target, query and last answer."""
