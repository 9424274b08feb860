"""Answers on their way to who awaits them, in one event loop.

What comes back is taken in batches: one call for all that is there when the loop wakes up, and then the futures are
resolved in a plain loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Protocol

from . import _native
from ._batches import BATCH, Corked
from .errors import Error, Full
from .reqrep import Part, Parts

_STREAM_BYTES = 64 * 1024 * 1024  # What may wait to be taken of one streamed answer.
_PART_BYTES = 200  # What a part costs besides its bytes.


class _Asker(Protocol):
    """Who waits for the outcome of a request: a future, or a stream."""

    def done(self) -> bool: ...
    def set_result(self, result: list[bytes], /) -> None: ...
    def set_exception(self, exception: BaseException, /) -> None: ...


class Answers(Corked):
    """Who waits for which answer."""

    def __init__(self, client: _native.Client) -> None:
        super().__init__(client)
        self._client = client
        self.askers: dict[int, _Asker] = {}
        self._parts: dict[int, Parts] = {}

    def arm(self) -> None:
        """Hands out what is there, and asks for a notice of more, which it does once nothing is left."""
        try:
            while batch := self._client.drain(BATCH):
                for ticket, answer in batch:
                    if isinstance(answer, Part):
                        self._add(ticket, answer)
                    elif (asker := self.askers.pop(ticket, None)) is not None:
                        if self._parts and (parts := self._parts.pop(ticket, None)) and isinstance(answer, list):
                            answer = parts.end(answer)
                        if asker.done():
                            continue
                        if isinstance(answer, list):
                            asker.set_result(answer)
                        else:
                            asker.set_exception(answer)
        except Error as error:
            # The client is closed, and so is every request.
            self._detach()
            askers, self.askers = self.askers, {}
            for asker in askers.values():
                if not asker.done():
                    asker.set_exception(type(error)(str(error), error.context))

    def take_back(self, ticket: int) -> None:
        """Nobody waits for this any more. What comes of it is dropped."""
        self._parts.pop(ticket, None)
        if self.askers.pop(ticket, None) is not None:
            with contextlib.suppress(Error):  # A client that is closed has nothing to take back.
                self._client.cancel(ticket)

    def _add(self, ticket: int, part: Part) -> None:
        asker = self.askers.get(ticket)
        if isinstance(asker, Stream):
            if not asker.add(part):
                self.take_back(ticket)
        elif asker is not None:
            self._parts.setdefault(ticket, Parts()).add(part)

    def _clear(self) -> None:
        self.askers.clear()
        self._parts.clear()


class Stream:
    """The parts of an answer that were not yet taken, and how it ended."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._parts: deque[Part] = deque()
        self._bytes = self._run = 0
        self._error: BaseException | None = None
        self._done = False
        self._waiter: asyncio.Future[None] | None = None

    def add(self, part: Part) -> bool:
        """Adds what came; false if too much waits, and then the stream ends."""
        self._run = part.run
        self._bytes += _cost(part)
        if self._bytes > _STREAM_BYTES:
            self.set_exception(Full("the parts of the answer were not taken", {"bytes": str(self._bytes)}))
            return False
        self._parts.append(part)
        self._wake()
        return True

    def done(self) -> bool:
        return self._done

    def set_result(self, rest: list[bytes]) -> None:
        if rest:
            self._parts.append(Part(self._run, rest))
        self._done = True
        self._wake()

    def set_exception(self, error: BaseException) -> None:
        self._done, self._error = True, error
        self._wake()

    async def next(self) -> Part | None:
        """The next part, or none after the last."""
        while not self._parts:
            if self._error is not None:
                raise self._error
            if self._done:
                return None
            self._waiter = self._loop.create_future()
            await self._waiter
        part = self._parts.popleft()
        self._bytes -= _cost(part)
        return part

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


def _cost(part: Part) -> int:
    return _PART_BYTES + sum(map(len, part.body))
