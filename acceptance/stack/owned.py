"""What the stacks share that this project starts itself: their life, and how things stood when a start failed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from acceptance.stack.interface import ServiceState, StackError
from acceptance.stack.ports import Ports

NOT_STARTED = "this stack is not running; call start() first"


class OwnedStack(ABC):
    """A stack that is started and stopped here. A context manager; the other promises are `interface.Stack`'s.

    Attributes:
        start_seconds: From the first server's start to all ready; None before.
    """

    def __init__(self) -> None:
        self._ports: Ports | None = None
        self._last_logs: dict[str, str] = {}
        self._at_failure: tuple[ServiceState, ...] | None = None
        self.start_seconds: float | None = None

    @property
    @abstractmethod
    def _started(self) -> bool:
        """Whether there are servers, ready or not."""

    @abstractmethod
    def _begin(self) -> None:
        """Start every service; what fails leaves to `stop` what was started."""

    @abstractmethod
    def stop(self) -> None:
        """End every service and remove what the stack wrote. Calling it twice is fine."""

    @abstractmethod
    def _states(self) -> tuple[ServiceState, ...]:
        """The state of every service, asked now."""

    def start(self) -> None:
        """Start every service and return when each is ready.

        Raises:
            StackError: A service or what it needs failed, a port is taken, or the stack runs already.
        """
        if self._started:
            message = "this stack is running already"
            raise StackError(message)
        self._at_failure = None
        try:
            self._begin()
        except BaseException as error:  # Ctrl-C too: nothing half-started stays
            if isinstance(error, StackError):
                self._at_failure = self._states_now()
            self.stop()
            raise

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    @property
    def ports(self) -> dict[str, int]:
        """Service name -> port on 127.0.0.1."""
        if self._ports is None:
            raise StackError(NOT_STARTED)
        return self._ports.as_dict()

    def services(self) -> tuple[ServiceState, ...]:
        """The state of every service, its answer as asked now.

        After a start that failed: as it was then; empty when it had not come to starting one.
        """
        return self._states() if self._at_failure is None else self._at_failure

    def _states_now(self) -> tuple[ServiceState, ...]:
        """The states where they can still be had; the reason why the start failed is not to be lost over them."""
        try:
            return self._states() if self._started else ()
        except StackError:
            return ()

    def _release_ports(self) -> None:
        if self._ports is not None:
            self._ports.release()
