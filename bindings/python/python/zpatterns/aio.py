"""Sockets, reliable request-reply, the job queue, publish-subscribe and the multicast bus for asyncio.

A thread of the context receives ahead into the socket's inbox, so a coroutine mostly finds its message there and goes
on without suspending. Only when nothing is left does it wait, with one future for whatever the next batch brings:
that is what makes it fast. The loop learns of news from a descriptor of the socket, with one ``add_reader``.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from . import _native
from ._aio_bus import Bus
from ._aio_pubsub import Publisher, Subscriber
from ._aio_reqrep import Broker, Client, Worker
from ._aio_zqueue import Handlers, Producer, Queue, QueueWorker
from ._batches import BATCH, BATCH_BYTES, Batches
from ._calls import Draft, Watch
from ._context import Context
from ._monitor import MonitorEvent
from ._notices import RECV, Notices
from .errors import Closed, InvalidText

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self, Unpack

    from ._options import Kind, Options

__all__ = [
    "Broker",
    "Bus",
    "Client",
    "Draft",
    "Handlers",
    "Monitor",
    "Producer",
    "Publisher",
    "Queue",
    "QueueWorker",
    "Socket",
    "Subscriber",
    "Watch",
    "Worker",
]


class Socket:
    """A ZeroMQ socket for one event loop, with the constructor of :class:`zpatterns.Socket`.

    ``await send`` suspends only while there is no room, and ``await recv`` while nothing has arrived (and once per
    thousand messages, so that other tasks run). Cancelling either loses nothing, because a message is taken in the
    step that returns it: limit a wait with ``asyncio.wait_for``. Several tasks may receive and send at once. A socket
    belongs to the loop that uses it first, until that loop is closed.

    >>> async def main():
    ...     async with Socket("pull") as pull, Socket("push") as push:
    ...         push.connect(pull.bind("tcp://127.0.0.1:0"))
    ...         await push.send(b"hello")
    ...         print(await pull.recv())
    >>> asyncio.run(main())
    b'hello'
    """

    def __init__(self, kind: Kind, *, context: Context | None = None, **options: Unpack[Options]) -> None:
        """Opens a socket of a type such as ``"push"`` in ``context`` or the default one, with options by name."""
        self._socket = _native.Socket(kind, context or Context.default(), {**options, "background": True})
        self._notices = Notices(self._socket)
        self._batches = Batches(self._notices, lambda: self._socket.drain(BATCH, BATCH_BYTES))
        self._taken = self._batches.taken  # Messages of one frame.
        self._lost_messages = self._lost_bytes = 0

    @property
    def kind(self) -> str:
        """The type, in lower case: ``"push"``."""
        return self._socket.kind

    @property
    def closed(self) -> bool:
        """Whether the socket is closed, by itself or with its context."""
        return self._socket.closed

    def bind(self, endpoint: str) -> str:
        """Binds, and returns the endpoint as it became, with the port that the system chose for port 0."""
        return self._socket.bind(endpoint)

    def connect(self, endpoint: str) -> None:
        """Connects, and connects again after a failure, in the background."""
        self._socket.connect(endpoint)

    def unbind(self, endpoint: str) -> None:
        """Stops listening on an endpoint, given as ``bind`` returned it. Connections already made stay."""
        self._socket.unbind(endpoint)

    def disconnect(self, endpoint: str) -> None:
        """Ends a connection, given as it was to ``connect``."""
        self._socket.disconnect(endpoint)

    def subscribe(self, prefix: Buffer) -> None:
        """SUB: receive messages whose first frame starts with ``prefix``."""
        self._socket.subscribe(prefix)

    def unsubscribe(self, prefix: Buffer) -> None:
        """SUB: take back one ``subscribe`` with the same prefix."""
        self._socket.unsubscribe(prefix)

    def monitor(self) -> Monitor:
        """Watches the connections of this socket from now on. A new monitor takes over from the last."""
        return Monitor(self._socket._monitor())

    async def send(self, data: Buffer) -> None:
        """Sends a message of one frame. Large ``bytes`` are handed over without a copy, other buffers are copied."""
        if not self._socket.try_send(data):
            await self._notices.until_sent(functools.partial(self._socket.try_send, data))

    async def send_text(self, text: str) -> None:
        """Sends a message of one frame: ``text`` in UTF-8."""
        await self.send(text.encode())

    async def send_multipart(self, frames: Iterable[Buffer]) -> None:
        """Sends a message of these frames."""
        frames = list(frames)
        if not self._socket.try_send_multipart(frames):
            await self._notices.until_sent(functools.partial(self._socket.try_send_multipart, frames))

    async def send_many(self, messages: Iterable[Buffer]) -> None:
        """Sends messages of one frame each, in order. If it is cancelled, some of them may have been sent."""
        await self._notices.send_all(self._socket.try_send_many, list(messages))

    async def send_many_multipart(self, messages: Iterable[Iterable[Buffer]]) -> None:
        """As ``send_many``, each message the sequence of its frames."""
        await self._notices.send_all(self._socket.try_send_many_multipart, [list(frames) for frames in messages])

    def try_send(self, data: Buffer) -> bool:
        """Sends a message of one frame if there is room now, and returns whether there was."""
        return self._socket.try_send(data)

    def try_send_multipart(self, frames: Iterable[Buffer]) -> bool:
        """Sends a message of these frames if there is room now, and returns whether there was."""
        return self._socket.try_send_multipart(frames)

    async def recv(self) -> bytes:
        """Receives a message of one frame.

        If the next message has several, that is ``Unsupported``, and it stays in line for ``recv_multipart``.
        """
        if not self._taken:
            await self._batches.refill()
        return self._taken.popleft()

    async def recv_text(self) -> str:
        """Receives a message of one frame that is UTF-8.

        If the next message is not, that is ``InvalidText``, and it stays in line for ``recv``.
        """
        if not self._taken:
            await self._batches.refill()
        text = _decode(self._taken[0])
        self._taken.popleft()
        return text

    async def recv_multipart(self) -> list[bytes]:
        """Receives a message as the list of its frames."""
        return (await self.recv_many_multipart(1))[0]

    async def recv_many(self, max_messages: int = BATCH) -> list[bytes]:
        """Receives what is there, at least one message of one frame and at most ``max_messages``."""
        if not self._taken:
            await self._batches.refill()
        return self._batches.take(max_messages)

    async def recv_many_multipart(self, max_messages: int = BATCH) -> list[list[bytes]]:
        """Receives what is there, each message as the list of its frames."""
        return await self._batches.until(functools.partial(self._take_multipart, max_messages))

    async def batches(self, max_messages: int = BATCH) -> AsyncIterator[list[bytes]]:
        """Batches of messages of one frame, until the socket is closed."""
        while True:
            try:
                batch = await self.recv_many(max_messages)
            except Closed:
                return
            yield batch

    def __aiter__(self) -> Self:
        """Messages of one frame, until the socket is closed."""
        return self

    async def __anext__(self) -> bytes:
        if not self._taken:
            try:
                await self._batches.refill()
            except Closed:
                raise StopAsyncIteration from None
        return self._taken.popleft()

    def stats(self) -> dict[str, int]:
        """Counters by name; after ``close``, the last. What the program has not yet taken counts as in the inbox."""
        stats = self._socket.stats()
        messages, size = len(self._taken), sum(map(len, self._taken))
        stats["received_messages"] -= messages + self._lost_messages
        stats["received_bytes"] -= size + self._lost_bytes
        stats["inbox_messages"] += messages
        stats["inbox_bytes"] += size
        stats["lost_closed"] += self._lost_messages
        return stats

    def close(self, linger: float | None = None) -> None:
        """Closes, from any thread. What is not yet sent survives for ``linger`` seconds, or the option of that name.

        Every wait on the socket ends with ``Closed``. Closing twice is fine.
        """
        self._socket.close(linger)
        self._notices.ended(self._lose_taken)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<zpatterns.aio.Socket {self.kind}{' closed' if self.closed else ''}>"

    def _take_multipart(self, max_messages: int) -> list[list[bytes]]:
        if self._taken:
            return [[message] for message in self._batches.take(max_messages)]
        return self._socket.drain_multipart(max_messages, BATCH_BYTES)

    def _lose_taken(self) -> None:
        self._lost_messages += len(self._taken)
        self._lost_bytes += sum(map(len, self._taken))
        self._taken.clear()


def _decode(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        facts = {"position": str(error.start), "bytes": str(len(data))}
        raise InvalidText("the message is not UTF-8; receive it as bytes", facts) from error


class Monitor:
    """What happens to the connections of one socket; :meth:`Socket.monitor` opens it."""

    def __init__(self, monitor: _native.Monitor) -> None:
        self._monitor = monitor
        self._notices = Notices(monitor)

    async def next(self) -> MonitorEvent:
        """The next event. Cancelling loses none."""
        self._notices.attach()
        try:
            while (event := self._monitor.try_next()) is None:
                await self._notices.wait(RECV)
            return MonitorEvent(*event)
        finally:
            self._notices.hand_on(RECV)

    def __aiter__(self) -> Self:
        """Events, until the monitor is closed."""
        return self

    async def __anext__(self) -> MonitorEvent:
        try:
            return await self.next()
        except Closed:
            raise StopAsyncIteration from None

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
        self._notices.ended(lambda: None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
