"""What happens to a socket's connections."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from . import _native
from .errors import Closed

if TYPE_CHECKING:
    from typing_extensions import Self


class MonitorEvent(NamedTuple):
    """Something that happened to a socket or to one of its connections."""

    kind: str
    """What happened: ``"connected"``, ``"handshake_succeeded"``, ``"disconnected"`` ..."""
    endpoint: str
    """The endpoint that it happened to; may be empty."""
    value: int
    """For a failure the error number, for ``"connect_retried"`` milliseconds until the next attempt."""


class Monitor:
    """The events of one socket; :meth:`Socket.monitor` opens it. Iterating gives events until it is closed."""

    def __init__(self, monitor: _native.Monitor) -> None:
        self._monitor = monitor

    def next(self, timeout: float | None = None, cancel: _native.Cancel | None = None) -> MonitorEvent:
        """The next event, or ``Timeout``."""
        return MonitorEvent(*self._monitor.next(timeout, cancel))

    @property
    def lost(self) -> int:
        """How many events were dropped because the program left too many lying."""
        return self._monitor.lost

    @property
    def closed(self) -> bool:
        """Whether the monitor is closed."""
        return self._monitor.closed

    def close(self) -> None:
        """Stops listening to events. The monitored socket goes on."""
        self._monitor.close()

    def __iter__(self) -> Iterator[MonitorEvent]:
        try:
            while True:
                yield self.next()
        except Closed:
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
