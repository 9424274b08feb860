"""Functions that do jobs."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar, Union

from . import _native
from ._context import Context
from .errors import Cancelled, Closed, JobFailed

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self, Unpack

    from ._native import QueueJob
    from ._zqueue_options import QueueWorkerOptions

_Body = Union["Buffer", Sequence["Buffer"], None]
_Handler = TypeVar("_Handler", bound=Callable[["QueueJob"], object])

_log = logging.getLogger("zpatterns.zqueue")

FAILED = 1
"""The code of a job whose handler raised an exception of its own."""


class Registry:
    """Which function does the jobs of which queue. Calling it with a name gives a decorator."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[QueueJob], object]] = {}

    def __call__(self, queue: str) -> Callable[[_Handler], _Handler]:
        """A decorator: the function does the jobs of ``queue``."""

        def register(handler: _Handler) -> _Handler:
            self.handlers[queue] = handler
            return handler

        return register


def finish(job: QueueJob, body: _Body) -> None:
    """The handler has returned this."""
    if not job.done:
        job.complete(() if body is None else body)


def give_up(job: QueueJob, error: Exception) -> None:
    """The handler has raised this, or what it returned was not wanted any more."""
    if job.done:
        return
    with contextlib.suppress(Cancelled, Closed):  # Nobody wants it, or another worker has it.
        if isinstance(error, JobFailed):
            job.fail(error.worker_code, error.body or str(error).encode())
        else:
            _log.error("a job of %s failed", job.queue, exc_info=error)
            job.retry(FAILED, f"{type(error).__name__}: {error}".encode())


class Handlers(Registry):
    """Functions that do jobs, each those of a queue.

    >>> handlers = Handlers()
    >>> @handlers("double")
    ... def double(job):
    ...     return job.body[0] * 2

    What a function returns is what the job comes to: a buffer, several, or nothing. One that calls ``job.spawn`` (or
    ends the job otherwise) returns nothing more. If it raises ``JobFailed`` the job has failed; with any other exception,
    which is logged, it may be tried again, as often as its ``attempts`` allow.
    """

    def run(
        self,
        endpoints: str | Sequence[str],
        *,
        threads: int = 1,
        context: Context | None = None,
        **options: Unpack[QueueWorkerOptions],
    ) -> None:
        """Does jobs, in so many threads, until the context is closed."""
        with self.start(endpoints, threads=threads, context=context, **options) as workers:
            workers.join()

    def start(
        self,
        endpoints: str | Sequence[str],
        *,
        threads: int = 1,
        context: Context | None = None,
        **options: Unpack[QueueWorkerOptions],
    ) -> Workers:
        """Does jobs, in so many threads, until what it returns is closed. ``credit`` is as large as ``threads``."""
        if options.get("credit") is None:
            options["credit"] = threads
        worker = _native.QueueWorker(endpoints, list(self.handlers), context or Context.default(), options)
        return Workers(worker, dict(self.handlers), threads)


class Workers:
    """Threads that do jobs."""

    def __init__(
        self, worker: _native.QueueWorker, handlers: dict[str, Callable[[QueueJob], object]], threads: int
    ) -> None:
        self._worker = worker
        self._handlers = handlers
        self._threads = [threading.Thread(target=self._work, name="zqueue-worker", daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        with contextlib.suppress(Closed):
            while True:
                self._do(self._worker.next())

    def _do(self, job: QueueJob) -> None:
        try:
            finish(job, self._handlers[job.queue](job))  # type: ignore[arg-type]
        except Exception as error:
            give_up(job, error)

    def join(self, timeout: float | None = None) -> None:
        """Waits until the threads have ended."""
        for thread in self._threads:
            thread.join(timeout)

    def leave(self) -> None:
        """Takes no more jobs, and waits until those that are here are done."""
        self._worker.leave()
        self.join()

    def counters(self) -> dict[str, int]:
        """What they did so far, by name; after ``close``, the last."""
        return self._worker.counters()

    def close(self) -> None:
        """Ends where it is: jobs that are here are given to others. Functions that work on one go on to their end."""
        self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
