"""What a producer waits for, in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Any, Protocol, Union

from . import _native
from ._batches import BATCH, Corked
from .errors import Error, NotFound
from .zqueue import Accepted, Ended, Event, Progress

_Value = Union[Event, Error, list[Any], tuple[Any, bool]]
"""What comes of something: of a job, why it is not done, or what is there."""


class _Caller(Protocol):
    """Who waits for what comes of something."""

    def tell(self, ticket: int, value: _Value) -> bool:
        """This came; true if it was the last."""
        ...


class Calls(Corked):
    """Who waits for what."""

    def __init__(self, producer: _native.AioProducer) -> None:
        super().__init__(producer)
        self._producer = producer
        self.callers: dict[int, _Caller] = {}

    def arm(self) -> None:
        """Hands out what is there, and asks for a notice of more, which it does once nothing is left."""
        callers = self.callers
        try:
            while batch := self._producer.drain(BATCH):
                for ticket, value in batch:
                    if (caller := callers.get(ticket)) is not None and caller.tell(ticket, value):
                        callers.pop(ticket, None)
        except Error as error:
            # The producer is closed, and nothing comes any more.
            self._detach()
            callers, self.callers = self.callers, {}
            for ticket, caller in callers.items():
                caller.tell(ticket, type(error)(str(error), error.context))

    def take_back(self, ticket: int) -> None:
        """Nobody waits for this any more."""
        if self.callers.pop(ticket, None) is not None:
            with contextlib.suppress(Error):
                self._producer.forget(ticket)

    async def value(self, ticket: int, wanted: type) -> Any:
        """What comes of something: the first that is of this kind."""
        once = Once(asyncio.get_running_loop(), wanted)
        self.callers[ticket] = once
        try:
            return await once.future
        except asyncio.CancelledError:
            self.take_back(ticket)
            raise

    def _clear(self) -> None:
        self.callers.clear()


class Once:
    """Waits for one thing."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wanted: type) -> None:
        self.future: asyncio.Future[Any] = loop.create_future()
        self._wanted = wanted

    def tell(self, ticket: int, value: _Value) -> bool:
        if isinstance(value, Error):
            self._fail(value)
        elif not isinstance(value, self._wanted):
            return False
        elif isinstance(value, Ended) and isinstance(value.result, Error):
            self._fail(value.result)
        elif not self.future.done():
            self.future.set_result(value)
        return True

    def _fail(self, error: Error) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Several:
    """Waits until several jobs are accepted."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tickets: list[int]) -> None:
        self.jobs: dict[int, int] = dict.fromkeys(tickets, 0)
        self.future: asyncio.Future[list[int]] = loop.create_future()
        self._left = len(tickets)
        self._error: Error | None = None

    def tell(self, ticket: int, value: _Value) -> bool:
        if isinstance(value, Accepted):
            self.jobs[ticket] = value.job
        elif isinstance(value, Error) and self._error is None:
            self._error = value
        self._left -= 1
        if self._left == 0 and not self.future.done():
            if self._error is None:
                self.future.set_result(list(self.jobs.values()))
            else:
                self._error.context["accepted"] = str(sum(job > 0 for job in self.jobs.values()))
                self.future.set_exception(self._error)
        return True


class Watch:
    """A job whose outcome is waited for. Iterating it gives what comes of it; a progress that nobody read is replaced."""

    def __init__(self, calls: Calls) -> None:
        self.ticket = 0
        self._calls = calls
        self._loop = calls.running()
        self._events: deque[Event] = deque()
        self._error: Error | None = None
        self._over = False
        self._waiter: asyncio.Future[None] | None = None

    def opened(self, ticket: int) -> Watch:
        """It is of this ticket."""
        self.ticket = ticket
        self._calls.callers[ticket] = self
        return self

    def tell(self, ticket: int, value: _Value) -> bool:
        if isinstance(value, Error):
            self._error, self._over = value, True
        elif isinstance(value, (Accepted, Progress, Ended)):
            if isinstance(value, Progress) and self._events and isinstance(self._events[-1], Progress):
                self._events.pop()
            self._events.append(value)
            self._over = isinstance(value, Ended)
        self._wake()
        return self._over

    async def next(self) -> Event:
        """What comes next of the job. One task waits at a time.

        ``NotFound`` if the job is not known, and after ``Ended``; another error if it was not accepted.
        """
        while not self._events:
            if self._error is not None:
                raise self._error
            if self._over:
                raise NotFound("nothing more comes of it")
            self._waiter = self._loop.create_future()
            await self._waiter
        return self._events.popleft()

    async def outcome(self) -> list[bytes]:
        """What the job comes to: frames, or the exception that says why it was not done."""
        while not isinstance(event := await self.next(), Ended):
            pass
        if isinstance(event.result, Error):
            raise event.result
        return event.result

    def close(self) -> None:
        """Nobody waits any more; the job goes on."""
        self._calls.take_back(self.ticket)
        self._over = True
        self._wake()

    def __aiter__(self) -> Watch:
        """What comes of the job, until it has ended."""
        return self

    async def __anext__(self) -> Event:
        if self._over and not self._events and self._error is None:
            raise StopAsyncIteration
        return await self.next()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class Draft:
    """A job that is pushed part by part. One that is dropped before it is executed never was there."""

    def __init__(self, producer: _native.AioProducer, watch: Watch) -> None:
        self._producer = producer
        self._watch = watch
        self._executed = False

    def send_part(self, body: Any) -> None:
        """Adds to its body: one buffer, or several."""
        self._producer.send_part(self._watch.ticket, body)

    def execute(self) -> Watch:
        """It is whole: it is pushed."""
        self._producer.execute(self._watch.ticket)
        self._executed = True
        return self._watch

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        """Drops it, if it was not executed."""
        if not self._executed:
            self._watch.close()
