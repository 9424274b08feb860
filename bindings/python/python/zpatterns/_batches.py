"""Taking from a native handle in batches, and handing out one by one.

A batch costs one call, and what is left of it costs whoever comes next no suspension at all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sized
from typing import Generic, Protocol, TypeVar

from ._notices import RECV, Attachable, Attached, Notices

BATCH = 1024  # What is taken at once, at most.
BATCH_BYTES = 512 * 1024  # And no more once it has so many bytes, where they are counted.

_Item = TypeVar("_Item")
_Taken = TypeVar("_Taken", bound=Sized)


class _Corkable(Protocol):
    def cork(self) -> None: ...
    def uncork(self) -> None: ...


class _Asking(_Corkable, Attachable, Protocol):
    pass


class Cork:
    """Keeps back what a handle is to send until the present step of the loop is over: together it costs less."""

    def __init__(self, handle: _Corkable) -> None:
        self._handle = handle
        self._is_in = False

    def put_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """What is sent from now on in this step is sent together."""
        if not self._is_in:
            self._handle.cork()
            self._is_in = True
            loop.call_soon(self._take_out)

    def _take_out(self) -> None:
        self._is_in = False
        self._handle.uncork()


class Corked(Attached):
    """A native handle in one event loop that is asked for things; what comes of them is handed out as soon as it is there."""

    def __init__(self, handle: _Asking) -> None:
        super().__init__(handle)
        self._cork = Cork(handle)

    def attach(self) -> asyncio.AbstractEventLoop:
        """Makes the running loop the handle's, and asks for a first notice."""
        loop = super().attach()
        self.arm()
        return loop

    def running(self) -> asyncio.AbstractEventLoop:
        """The running loop, which is the handle's from now on; what is asked in this step is sent at its end."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self.attach()
        self._cork.put_in(loop)
        return loop


class Batches(Generic[_Item]):
    """What ``drain`` took and the program has not yet; several tasks may want it at once."""

    def __init__(self, notices: Notices, drain: Callable[[], list[_Item]]) -> None:
        self.taken: deque[_Item] = deque()
        self._notices = notices
        self._drain = drain
        self._since_pause = 0

    async def refill(self) -> None:
        """Returns once something is taken; whoever awaits it hands that over in the same step."""
        await self.until(self._fill)

    def take(self, most: int) -> list[_Item]:
        """What was taken, at most so much, to the program."""
        if len(self.taken) <= most:
            batch = list(self.taken)
            self.taken.clear()
            return batch
        return [self.taken.popleft() for _ in range(max(most, 1))]

    async def until(self, take: Callable[[], _Taken]) -> _Taken:
        """Calls ``take`` until it has something. Now and then it lets others run."""
        self._notices.attach()
        if self._since_pause >= BATCH:
            self._since_pause = 0
            await asyncio.sleep(0)
        try:
            while not (batch := take()):
                self._since_pause = 0
                await self._notices.wait(RECV)
            self._since_pause += len(batch)
            return batch
        finally:
            self._notices.hand_on(RECV, more=bool(self.taken))

    def _fill(self) -> deque[_Item]:
        if not self.taken:
            self.taken.extend(self._drain())
        return self.taken
