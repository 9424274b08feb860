"""The multicast bus for asyncio."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _native
from ._context import Context
from ._notices import Notices
from ._receiving import Receiving

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self, Unpack

    from .bus import BusOptions, Event


class Bus(Receiving["Event"]):
    """A :class:`zpatterns.bus.Bus` for one event loop, with its constructor.

    ``await send`` suspends only while there is no room, and ``await recv`` while nothing has arrived. Cancelling either
    loses nothing. Several tasks may receive and send at once.

    >>> async def main():
    ...     async with Bus("epgm://eth0;239.192.1.1:5670", subscribe=b"weather") as bus:
    ...         async for event in bus:
    ...             print(event)

    It belongs to the loop that uses it first, until that loop is closed.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        context: Context | None = None,
        subscribe: Buffer | Sequence[Buffer] = (),
        **options: Unpack[BusOptions],
    ) -> None:
        """Takes part in the bus at ``epgm://INTERFACE;GROUP:PORT``, as :class:`zpatterns.bus.Bus`."""
        self._bus = _native.Bus(endpoint, context or Context.default(), subscribe, options)
        self._notices = Notices(self._bus)
        super().__init__(self._notices, self._bus.drain)

    @property
    def interface(self) -> str:
        """The address of this machine where the bus is."""
        return self._bus.interface

    def subscribe(self, prefix: Buffer) -> None:
        """From now on messages whose first frame begins with ``prefix`` are received; with an empty one, all.

        A bus hears others from its first subscription on.
        """
        self._bus.subscribe(prefix)

    def unsubscribe(self, prefix: Buffer) -> None:
        """Undoes a ``subscribe``. ``NotFound`` if there was none of this prefix."""
        self._bus.unsubscribe(prefix)

    def inject_loss(self, fraction: float) -> None:
        """From now on this fraction of the datagrams that arrive is thrown away at random: to try what a program does."""
        self._bus.inject_loss(fraction)

    async def send(self, frames: Buffer | Sequence[Buffer]) -> None:
        """Sends a message to all who are on the bus now. It is handed over: who hears it, nobody says."""
        if not self._bus.try_send(frames):
            await self._notices.until_sent(functools.partial(self._bus.try_send, frames))

    async def send_many(self, messages: Iterable[Buffer | Sequence[Buffer]]) -> None:
        """Sends messages, in order. If it is cancelled, some of them may have been sent."""
        await self._notices.send_all(self._bus.try_send_many, list(messages))

    def try_send(self, frames: Buffer | Sequence[Buffer]) -> bool:
        """Sends a message if there is room now, and returns whether there was."""
        return self._bus.try_send(frames)

    def counters(self) -> dict[str, int]:
        """What it did so far, by name, as :meth:`zpatterns.bus.Bus.counters`; after ``close``, the last."""
        return self._bus.counters()

    def peers(self) -> list[dict[str, Any]]:
        """Who is heard now, as :meth:`zpatterns.bus.Bus.peers`."""
        return self._bus.peers()

    @property
    def closed(self) -> bool:
        """Whether the bus is closed, by itself or with its context."""
        return self._bus.closed

    def close(self, linger: float | None = None) -> None:
        """Leaves the bus, from any thread; the thread waits as in :meth:`zpatterns.bus.Bus.close`.

        Every wait ends with ``Closed``. Closing twice is fine. Leaving ``async with`` waits, too, but not the loop.
        """
        self._bus.close(linger)
        self._notices.ended(self._taken.clear)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    def __repr__(self) -> str:
        return f"<zpatterns.aio.Bus at {self.interface}{' closed' if self.closed else ''}>"
