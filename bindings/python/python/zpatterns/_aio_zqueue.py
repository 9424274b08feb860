"""The job queue for asyncio: a job costs one native call to push it, and one future."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from . import _native, zqueue
from ._calls import Calls, Draft, Several, Watch
from ._context import Context
from ._jobs import JobTaker
from ._native import Cancel, QueueJob
from ._zqueue_handlers import Registry, finish, give_up
from .zqueue import Accepted, Ended

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self, Unpack

    from .zqueue import DeadLetter, JobOptions, ProducerOptions, QueueOptions, QueueWorkerOptions, TreeJob

_TOGETHER = 4096  # Jobs that `push_many` has pushed and that are not accepted yet.


class Producer:
    """A :class:`zpatterns.zqueue.Producer` for one event loop: any number of tasks may push at once.

    >>> async def main():
    ...     async with Producer("tcp://127.0.0.1:5555") as producer:
    ...         results = await asyncio.gather(*(producer.run("double", b"%d" % n) for n in range(1000)))

    It belongs to the loop that uses it first, until that loop is closed. Cancelling a task that waits leaves the job where
    it is.
    """

    def __init__(self, endpoint: str, *, context: Context | None = None, **options: Unpack[ProducerOptions]) -> None:
        """A producer for the queue at ``endpoint``, in ``context`` or the default one."""
        self._producer = _native.AioProducer(endpoint, context or Context.default(), options)
        self._calls = Calls(self._producer)

    async def push(self, queue: str, body: Buffer | Sequence[Buffer] = (), **options: Unpack[JobOptions]) -> int:
        """Pushes a job, and waits until it is accepted: with a store, until it is on the disk. Its number.

        As :meth:`zpatterns.zqueue.Producer.push`.
        """
        self._calls.running()
        accepted: Accepted = await self._calls.value(self._producer.post(queue, body, False, **options), Accepted)
        return accepted.job

    async def push_many(
        self, queue: str, bodies: Iterable[Buffer | Sequence[Buffer]], **options: Unpack[JobOptions]
    ) -> list[int]:
        """Pushes any number of jobs, as :meth:`zpatterns.zqueue.Producer.push_many`."""
        given: Iterator[Buffer | Sequence[Buffer]] = iter(bodies)
        jobs: list[int] = []
        while some := list(islice(given, _TOGETHER)):
            loop = self._calls.running()
            tickets = self._producer.post_many(queue, some, **options)
            # Why the rest was not posted shows when it is the first.
            given = chain(some[len(tickets) :], given)
            several = Several(loop, tickets)
            self._calls.callers.update(dict.fromkeys(tickets, several))
            jobs += await several.future
        return jobs

    async def run(
        self, queue: str, body: Buffer | Sequence[Buffer] = (), **options: Unpack[JobOptions]
    ) -> list[bytes]:
        """Pushes a job and waits for what it comes to, as :meth:`zpatterns.zqueue.Producer.run`."""
        self._calls.running()
        ended: Ended = await self._calls.value(self._producer.post(queue, body, True, **options), Ended)
        return cast("list[bytes]", ended.result)

    def submit(self, queue: str, body: Buffer | Sequence[Buffer] = (), **options: Unpack[JobOptions]) -> Watch:
        """Pushes a job whose outcome is of interest, and goes on: the watch brings it."""
        watch = Watch(self._calls)
        return watch.opened(self._producer.post(queue, body, True, **options))

    def draft(self, queue: str, body: Buffer | Sequence[Buffer] = (), **options: Unpack[JobOptions]) -> Draft:
        """Begins a job that is pushed part by part. Nobody does it before it is executed."""
        watch = Watch(self._calls)
        return Draft(self._producer, watch.opened(self._producer.post_draft(queue, body, **options)))

    def watch(self, job: int, progress: bool = False) -> Watch:
        """Watches a job that is there, or whose outcome is kept; with ``progress``, also how far its tree is."""
        watch = Watch(self._calls)
        return watch.opened(self._producer.post_watch(job, progress))

    async def result(self, job: int) -> list[bytes]:
        """What a job came to, as soon as it has ended. ``NotFound`` if the queue knows it not, or no more."""
        self._calls.running()
        ended: Ended = await self._calls.value(self._producer.post_watch(job, False), Ended)
        return cast("list[bytes]", ended.result)

    async def cancel(self, job: int) -> None:
        """Ends a job and all that it spawned, as :meth:`zpatterns.zqueue.Producer.cancel`."""
        self._calls.running()
        await self._calls.value(self._producer.post_cancel(job), Accepted)

    async def requeue(self, letter: int) -> int:
        """Takes a dead letter, and tries it again as a job of its own. That one's number."""
        self._calls.running()
        accepted: Accepted = await self._calls.value(self._producer.post_requeue(letter), Accepted)
        return accepted.job

    async def queues(self) -> list[dict[str, Any]]:
        """The queues, as :meth:`zpatterns.zqueue.Producer.queues`."""
        self._calls.running()
        queues: list[dict[str, Any]] = await self._calls.value(self._producer.post_queues(), list)
        return queues

    async def tree(self, job: int, most: int = 1000) -> tuple[list[TreeJob], bool]:
        """A job, and what is below it, as :meth:`zpatterns.zqueue.Producer.tree`."""
        self._calls.running()
        tree: tuple[list[TreeJob], bool] = await self._calls.value(self._producer.post_tree(job, most), tuple)
        return tree

    async def dead(self, first: int = 0, most: int = 1000) -> tuple[list[DeadLetter], bool]:
        """Dead letters, as :meth:`zpatterns.zqueue.Producer.dead`."""
        self._calls.running()
        dead: tuple[list[DeadLetter], bool] = await self._calls.value(self._producer.post_dead(first, most), tuple)
        return dead

    @property
    def closed(self) -> bool:
        """Whether the producer is closed, by itself or with its context."""
        return self._producer.closed

    def close(self) -> None:
        """Closes, from any thread. Every wait ends with ``Closed``; what was accepted is done all the same."""
        self._producer.close()
        self._calls.ended(lambda: None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class QueueWorker(JobTaker[QueueJob]):
    """A :class:`zpatterns.zqueue.QueueWorker` for one event loop, with its constructor. Iterating it gives jobs.

    A job is ended without waiting: ``job.complete(...)``. Several tasks may take jobs, and a program may keep several, if
    ``credit`` allows, and end them in any order.
    """

    def __init__(
        self,
        endpoints: str | Sequence[str],
        queues: str | Sequence[str],
        *,
        context: Context | None = None,
        **options: Unpack[QueueWorkerOptions],
    ) -> None:
        """A worker for one queue or several, 100 at most, by name, of those at one endpoint or several."""
        super().__init__(zqueue.QueueWorker(endpoints, queues, context=context, **options))

    async def wait_withdrawn(self, job: QueueJob) -> bool:
        """Returns true when nobody wants the job any more, or false once it is over or the worker is closed."""
        return await self._wait_off(job, lambda: job.withdrawn)


class Handlers(Registry):
    """Coroutines that do jobs, each those of a queue: :class:`zpatterns.zqueue.Handlers` for one event loop.

    >>> handlers = Handlers()
    >>> @handlers("double")
    ... async def double(job):
    ...     return job.body[0] * 2
    """

    async def run(
        self, endpoints: str | Sequence[str], *, context: Context | None = None, **options: Unpack[QueueWorkerOptions]
    ) -> None:
        """Does jobs, as many at once as ``credit`` says, until the context is closed or the task is cancelled."""
        tasks: set[asyncio.Task[None]] = set()
        async with QueueWorker(endpoints, list(self.handlers), context=context, **options) as worker:
            try:
                async for job in worker:
                    task = asyncio.create_task(self._do(job))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
            finally:
                for task in tasks:
                    task.cancel()

    async def _do(self, job: QueueJob) -> None:
        handler = cast("Callable[[QueueJob], Awaitable[Any]]", self.handlers[job.queue])
        try:
            finish(job, await handler(job))
        except Exception as error:
            give_up(job, error)


class Queue:
    """A :class:`zpatterns.zqueue.Queue`, with its constructor. It works on threads of its context, not in the loop."""

    def __init__(
        self, endpoints: str | Sequence[str], *, context: Context | None = None, **options: Unpack[QueueOptions]
    ) -> None:
        """A queue at one endpoint or several, in ``context`` or the default one, once it has read its store."""
        self._queue = zqueue.Queue(endpoints, context=context, **options)

    @property
    def endpoints(self) -> list[str]:
        """Where it is reached, with the ports that the system chose."""
        return self._queue.endpoints

    def workers(self) -> int:
        """Workers connected now."""
        return self._queue.workers()

    def counters(self) -> dict[str, int]:
        """What became of the jobs so far, by name; after ``close``, the last."""
        return self._queue.counters()

    def queues(self) -> list[dict[str, Any]]:
        """The queues, with what is in them, as :meth:`zpatterns.zqueue.Queue.queues`."""
        return self._queue.queues()

    async def drain(self) -> None:
        """Takes no more jobs, and waits until those that are here have ended. Cancelled, it goes on draining."""
        cancel = Cancel()
        try:
            await asyncio.to_thread(self._queue.drain, None, cancel)
        finally:
            cancel.cancel()

    @property
    def closed(self) -> bool:
        """Whether the queue is closed, by itself or with its context."""
        return self._queue.closed

    def close(self) -> None:
        """Closes the queue where it is. What is not stored is lost. Closing twice is fine."""
        self._queue.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
