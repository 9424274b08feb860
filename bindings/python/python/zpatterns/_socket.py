"""The socket for ordinary, blocking programs."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from . import _native
from ._context import Context
from ._monitor import Monitor
from .errors import Closed

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ._options import Kind, Options


class Socket(_native.Socket):
    """A ZeroMQ socket that threads may share, with waits that always end.

    Every call that may wait takes ``timeout`` in seconds (``None`` is without end, 0 does not wait) and ``cancel``, a
    :class:`Cancel` that another thread can fire. Ctrl-C ends a wait, too. A message is ``bytes``, or a sequence of
    frames with the ``_multipart`` calls. Iterating a socket gives its messages until it is closed.

    >>> with Socket("pull") as pull, Socket("push") as push:
    ...     push.connect(pull.bind("tcp://127.0.0.1:0"))
    ...     push.send(b"hello")
    ...     pull.recv(timeout=5)
    b'hello'
    """

    def __new__(cls, kind: Kind, *, context: Context | None = None, **options: Unpack[Options]) -> Self:
        """Opens a socket of a type such as ``"push"`` in ``context`` or the default one, with options by name."""
        return super().__new__(cls, kind, context or Context.default(), options)

    def monitor(self) -> Monitor:
        """Watches the connections of this socket from now on. A new monitor takes over from the last."""
        return Monitor(self._monitor())

    def send_text(self, text: str, timeout: float | None = None, cancel: _native.Cancel | None = None) -> None:
        """Sends a message of one frame: ``text`` in UTF-8."""
        self.send(text.encode(), timeout, cancel)

    def __iter__(self) -> Iterator[bytes]:
        """Messages of one frame, until the socket is closed."""
        try:
            while True:
                yield self.recv()
        except Closed:
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<zpatterns.Socket {self.kind}{' closed' if self.closed else ''}>"
