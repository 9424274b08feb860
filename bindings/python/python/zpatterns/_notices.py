"""How coroutines wait for a native handle: one descriptor in one event loop, and queues of futures.

A handle tells once, when it is asked to, that something can be received or sent. Whoever waits is woken one at a time
and hands on to the next when it is done, whether it took something or not; so no notice is lost when a task is
cancelled at the wrong moment, and a thousand waiting tasks do not all run for one message.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeVar

from .errors import Error, WrongState

RECV, SEND = 1, 2

_Message = TypeVar("_Message")


class Attachable(Protocol):
    """A native object with a descriptor for an event loop."""

    def ready_fd(self) -> int: ...
    def set_hook(self, notice: Callable[[], object], /) -> None: ...


class Handle(Attachable, Protocol):
    """A native object that is asked for a notice."""

    def arm(self, interest: int, /) -> int: ...


class Attached:
    """A native handle in one event loop: the loop that uses it first, until that is closed."""

    def __init__(self, handle: Attachable) -> None:
        self._attachable = handle
        self._loop: asyncio.AbstractEventLoop | None = None
        self._fd: int | None = None
        self._lock = threading.Lock()  # For the descriptor, which must not be closed twice.

    def arm(self) -> None:
        """What the loop calls when a notice came."""
        raise NotImplementedError

    def _clear(self) -> None:
        """Forgets who waits, because their loop is closed."""
        raise NotImplementedError

    def attach(self) -> asyncio.AbstractEventLoop:
        """Makes the running loop the handle's, unless it is another's."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return loop
        ready = self._attachable.ready_fd()
        if self._loop is not None and not self._loop.is_closed():
            raise WrongState("the handle belongs to another event loop; open one in each loop")
        self._detach()
        # A descriptor of our own: the handle's may be closed, with its context, while the loop still watches it.
        self._fd = os.dup(ready)
        self._loop = loop
        try:
            loop.add_reader(self._fd, self.arm)
        except NotImplementedError:
            self._attachable.set_hook(functools.partial(call_soon, loop, self.arm))
        return loop

    def ended(self, tidy: Callable[[], None]) -> None:
        """After closing, from any thread: calls ``tidy`` in the loop, and whoever waits learns of it."""
        loop = self._loop

        def tell() -> None:
            tidy()
            self.arm()

        if loop is None:
            tidy()  # Nobody waits, and who is about to finds the handle closed.
        elif loop is _running_loop() or loop.is_closed():
            tell()
        else:
            call_soon(loop, tell)

    def _detach(self) -> None:
        """Watches no longer: the handle is closed, and the loop learns of that, or the loop is."""
        loop = self._loop
        with self._lock:
            fd, self._fd = self._fd, None
        if loop is not None and loop.is_closed():
            self._clear()
        elif loop is not None and fd is not None:
            with contextlib.suppress(NotImplementedError):
                loop.remove_reader(fd)
        if fd is not None:
            os.close(fd)

    def __del__(self) -> None:
        # A loop that watches the descriptor refers to this object, so none does.
        if self._fd is not None:
            os.close(self._fd)


class Notices(Attached):
    """The waits for one handle."""

    def __init__(self, handle: Handle) -> None:
        super().__init__(handle)
        self._handle = handle
        self._waiting: dict[int, deque[asyncio.Future[None]]] = {RECV: deque(), SEND: deque()}

    async def wait(self, interest: int) -> None:
        """Returns when ``interest`` may hold. The caller tries, and finally calls :meth:`hand_on`."""
        future = asyncio.get_running_loop().create_future()
        waiting = self._waiting[interest]
        waiting.append(future)
        try:
            self.arm()
            await future
        except asyncio.CancelledError:
            if future in waiting:  # Otherwise whoever woke it has removed it.
                waiting.remove(future)
            raise

    def hand_on(self, interest: int, more: bool = False) -> None:
        """Lets the next one try: at once if the caller knows of ``more``, or else when the handle has something."""
        if self._waiting[interest]:
            if more:
                self._wake(interest)
            else:
                self.arm()

    async def until_sent(self, send: Callable[[], bool]) -> None:
        """Calls ``send`` until it has sent."""
        self.attach()
        try:
            while not send():
                await self.wait(SEND)
        finally:
            self.hand_on(SEND)

    async def send_all(self, try_send: Callable[[list[_Message]], int], rest: list[_Message]) -> None:
        """Sends all of ``rest`` with ``try_send``, which sends as many as there is room for."""

        def send_some() -> bool:
            del rest[: try_send(rest)]
            return not rest

        if not send_some():
            await self.until_sent(send_some)

    def arm(self) -> None:
        """Asks for a notice for everyone who waits, and wakes them where there is no need to wait.

        One call for both directions, because asking takes back a notice that is on its way. The loop calls this, too,
        when a notice came: only asking again makes the descriptor quiet.
        """
        interest = (RECV if self._waiting[RECV] else 0) | (SEND if self._waiting[SEND] else 0)
        try:
            found = self._handle.arm(interest or RECV)
        except Error:
            # The handle is closed. They find out by trying again.
            found = RECV | SEND
            self._detach()
        if found & RECV:
            self._wake(RECV)
        if found & SEND:
            self._wake(SEND)

    def _wake(self, interest: int) -> None:
        waiting = self._waiting[interest]
        while waiting:
            future = waiting.popleft()
            if not future.done():
                future.set_result(None)
                return

    def _clear(self) -> None:
        for waiting in self._waiting.values():
            waiting.clear()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    """From any thread."""
    with contextlib.suppress(RuntimeError):  # A closed loop has nobody who waits.
        loop.call_soon_threadsafe(callback)
