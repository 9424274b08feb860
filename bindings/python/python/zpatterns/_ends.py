"""How coroutines wait until a job is of no more use, in one event loop."""

from __future__ import annotations

import asyncio
import functools
import weakref
from collections.abc import Callable

from . import _native
from ._notices import call_soon


class Ends:
    """Who waits for the end of which job. A job is known by its id, so that waiting for it does not keep it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._waiting: dict[int, asyncio.Future[None]] = {}
        # The thread that calls this must not keep what keeps the thread.
        self._ends = _native.Ends(functools.partial(_notice, weakref.WeakMethod(self._told), loop))

    async def wait(self, job: _native.Job | _native.QueueJob) -> None:
        """Returns when ``job`` may be done, or of no more use: seldom that is for another, which had its id before.

        An error is the worker's end.
        """
        if (future := self._waiting.get(id(job))) is None:
            self._ends.watch(job, id(job))
            future = self._waiting[id(job)] = self.loop.create_future()
        await asyncio.shield(future)

    def _told(self) -> None:
        for number in self._ends.take():
            if (future := self._waiting.pop(number, None)) is not None:
                future.set_result(None)


def _notice(told: weakref.WeakMethod[Callable[[], None]], loop: asyncio.AbstractEventLoop) -> None:
    if (method := told()) is not None:
        call_soon(loop, method)
