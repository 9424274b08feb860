"""The pseudo-recursive job queue: recursion over any number of machines, with no call stack and no thread that waits.

A :class:`Producer` pushes jobs to a :class:`Queue`, and a :class:`QueueWorker` does them. A worker that takes a job may
complete it, or spawn children and leave it; when they are done, the job comes back, to any worker, with what it left and
what they came to. Every job ends once, and what a worker held that died, froze or was cut off is given to another.

>>> handlers = Handlers()
>>> @handlers("count")
... def count(job):
...     if job.resumed:
...         return b"%d" % sum(int(result[0]) for result in job.results)
...     lines = job.body[0].splitlines()
...     if len(lines) == 1:
...         return b"%d" % len(lines[0].split())
...     job.spawn([("count", line) for line in lines])
>>> with Queue("tcp://127.0.0.1:0") as queue, Producer(queue.endpoints[0]) as producer:
...     with handlers.start(queue.endpoints[0]):
...         producer.run("count", b"to be or\\nnot to be")
[b'6']

All may be shared between threads. A body is one buffer, or a list or tuple of them: its frames. What a job came to is a
list of frames, or an exception: :class:`JobFailed`, the worker's own error, or :class:`JobLost` for what happened to it
otherwise, which is also a ``Cancelled``, ``Unreachable``, ``TooLarge``, ``Timeout`` and so on. Times are in seconds. :mod:`zpatterns.aio` has the same for
asyncio.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal, NamedTuple, Union

from . import _native
from ._context import Context
from ._native import Child, Draft, QueueJob, Watch
from ._zqueue_handlers import Handlers, Workers
from ._zqueue_options import (
    ChildOptions,
    JobOptions,
    OnFailure,
    Order,
    ProducerOptions,
    QueueOptions,
    QueueWorkerOptions,
)
from .errors import Closed, Error, JobFailed, JobLost

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

__all__ = [
    "Accepted",
    "Child",
    "ChildOptions",
    "DeadLetter",
    "Draft",
    "Ended",
    "Event",
    "Handlers",
    "JobFailed",
    "JobLost",
    "JobOptions",
    "OnFailure",
    "Order",
    "Producer",
    "ProducerOptions",
    "Progress",
    "Queue",
    "QueueJob",
    "QueueOptions",
    "QueueWorker",
    "QueueWorkerOptions",
    "TreeJob",
    "Watch",
    "Workers",
]


class Accepted(NamedTuple):
    """A job that is watched is accepted."""

    job: int
    """Its number."""
    known: bool
    """It was there before: another with its key."""


class Progress(NamedTuple):
    """The tree of a job that is watched is so far."""

    open: int
    """Jobs that have not ended."""
    done: int
    """Jobs that were done."""
    failed: int
    """Jobs that failed, or were cancelled."""


class Ended(NamedTuple):
    """A job that is watched has ended. Nothing follows."""

    result: list[bytes] | Error
    """What it came to: frames, or why it was not done."""


Event = Union[Accepted, Progress, Ended]
"""What a watch brings."""


class TreeJob(NamedTuple):
    """A job in a tree that has not ended."""

    job: int
    """Its number."""
    parent: int
    """What it is a child of; 0 if of none that is there."""
    depth: int
    """How far below the job that was asked about."""
    queue: str
    """In this queue."""
    state: Literal["waiting", "delayed", "running", "suspended"]
    """It waits for a worker, or for its elder siblings; for its time; a worker has it; or it waits for its children."""
    since: float
    """For so long."""
    open: int
    """Children that have not ended."""
    spawned: int
    """All that it has spawned."""


class DeadLetter(NamedTuple):
    """A job that failed by itself, and is not tried again."""

    job: int
    """The number that it had."""
    queue: str
    """The queue in which it was."""
    body: list[bytes]
    """What was to be done."""
    key: bytes
    """Its key; may be empty."""
    failure: Error
    """Why it was not."""


class Queue(_native.Queue):
    """Keeps jobs, of many queues by name, and gives them to workers. It works on threads of its context."""

    def __new__(
        cls, endpoints: str | Sequence[str], *, context: Context | None = None, **options: Unpack[QueueOptions]
    ) -> Self:
        """A queue at one endpoint or several, in ``context`` or the default one, once it has read its store.

        ``WrongState`` if the store is open already, ``Corrupt`` if it is damaged, or none of this version.
        """
        return super().__new__(cls, endpoints, context or Context.default(), options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Producer(_native.Producer):
    """Pushes jobs, cancels them, and hears what they come to. It connects in the background; what it pushes waits for that.

    ``push`` waits until a job is accepted, ``run`` for what it comes to; ``submit`` goes on, and its watch brings both.
    """

    def __new__(cls, endpoint: str, *, context: Context | None = None, **options: Unpack[ProducerOptions]) -> Self:
        """A producer for the queue at ``endpoint``, in ``context`` or the default one."""
        return super().__new__(cls, endpoint, context or Context.default(), options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class QueueWorker(_native.QueueWorker):
    """Does jobs. Iterating it gives jobs until it is closed, or has left and all is done.

    A program may keep several jobs, if ``credit`` allows, and end them in any order and from any thread.
    """

    def __new__(
        cls,
        endpoints: str | Sequence[str],
        queues: str | Sequence[str],
        *,
        context: Context | None = None,
        **options: Unpack[QueueWorkerOptions],
    ) -> Self:
        """A worker for one queue or several, 100 at most, by name, of those at one endpoint or several."""
        return super().__new__(cls, endpoints, queues, context or Context.default(), options)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """What is said of jobs in this ``with`` leaves at its end, which costs less than one by one."""
        self.cork()
        try:
            yield
        finally:
            self.uncork()

    def __iter__(self) -> Iterator[QueueJob]:
        """Jobs, until the worker is closed, or has left and all is done."""
        try:
            while True:
                yield self.next()
        except Closed:
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
