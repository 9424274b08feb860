"""Contexts: the default one, and what becomes of them at exit and after a fork."""

from __future__ import annotations

import atexit
import functools
import os
import sys
import threading
import weakref
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar

from . import _native

if TYPE_CHECKING:
    from typing_extensions import Self


class Context(_native.Context):
    """Owns the I/O threads and the reactor of its sockets.

    Most programs need none: sockets share :meth:`default`. A context of its own separates inproc names, and its end
    (``close`` or ``with``) closes all its sockets and waits until what they sent has left, at most for the longest
    linger. At exit that happens to every context that is still open.
    """

    _lock: ClassVar[threading.Lock] = threading.Lock()
    _default: ClassVar[Context | None] = None
    _open: ClassVar[weakref.WeakSet[Context]] = weakref.WeakSet()

    def __new__(cls, *, io_threads: int = 1, max_sockets: int = 16_384) -> Self:
        """A context with ``io_threads`` threads (1 to 64) and room for ``max_sockets`` sockets (1 to 65535)."""
        context = super().__new__(cls, io_threads=io_threads, max_sockets=max_sockets)
        with cls._lock:
            _close_with_worker()
            cls._open.add(context)
        return context

    @classmethod
    def default(cls) -> Context:
        """The context of this process that sockets use unless they are given another."""
        default = Context._default
        if default is None or default.closed:
            made = Context()
            with cls._lock:
                default = Context._default
                if default is None or default.closed:
                    default = Context._default = made
        return default

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _close_all() -> None:
    for context in list(Context._open):
        context.close()


@functools.cache
def _close_with_worker() -> None:
    """A worker process of multiprocessing ends without ``atexit``; it has finalizers of its own."""
    util, process = sys.modules.get("multiprocessing.util"), sys.modules.get("multiprocessing.process")
    if util is not None and process is not None and process.parent_process() is not None:
        util.Finalize(None, _close_all, exitpriority=0)


def _after_fork() -> None:
    """What the parent had belongs to the parent; the child makes its own when it needs it."""
    _close_with_worker.cache_clear()
    Context._lock = threading.Lock()
    Context._default = None
    Context._open = weakref.WeakSet()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_after_fork)
