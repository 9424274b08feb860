"""The receiving half of what an event loop hears from: one shape for the bus and for subscribers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

from ._batches import BATCH, BATCH_BYTES, Batches
from ._notices import Notices
from .errors import Closed

_Event = TypeVar("_Event")


class Receiving(Generic[_Event]):
    """Hands out messages and events in their order, and fetches them in batches."""

    def __init__(self, notices: Notices, drain: Callable[[int, int], list[_Event]]) -> None:
        self._batches: Batches[_Event] = Batches(notices, lambda: drain(BATCH, BATCH_BYTES))
        self._taken = self._batches.taken

    async def recv(self) -> _Event:
        """Receives the next message or event."""
        if not self._taken:
            await self._batches.refill()
        return self._taken.popleft()

    async def recv_many(self, max_events: int = BATCH) -> list[_Event]:
        """Receives what is there, at least one message or event and at most ``max_events``."""
        if not self._taken:
            await self._batches.refill()
        return self._batches.take(max_events)

    async def batches(self, max_events: int = BATCH) -> AsyncIterator[list[_Event]]:
        """Batches of messages and events, until it is closed."""
        while True:
            try:
                batch = await self.recv_many(max_events)
            except Closed:
                return
            yield batch

    def __aiter__(self) -> AsyncIterator[_Event]:
        """Messages and events, until it is closed."""
        return self

    async def __anext__(self) -> _Event:
        if not self._taken:
            try:
                await self._batches.refill()
            except Closed:
                raise StopAsyncIteration from None
        return self._taken.popleft()
