"""Reliable request-reply for asyncio: a request costs one native call to post it, and one future."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _native, reqrep
from ._answers import Answers, Stream
from ._batches import BATCH, Batches
from ._context import Context
from ._jobs import JobTaker
from ._native import Cancel, Job
from ._notices import Notices
from .errors import Closed

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self, Unpack

    from .reqrep import BrokerOptions, ClientOptions, News, Part, RequestOptions, WorkerOptions


class Client:
    """A :class:`zpatterns.reqrep.Client` for one event loop: any number of tasks may ask at once.

    >>> async def main():
    ...     async with Client("tcp://127.0.0.1:5555") as client:
    ...         answers = await asyncio.gather(*(client.request("greet", b"%d" % n) for n in range(1000)))

    It belongs to the loop that uses it first, until that loop is closed.
    """

    def __init__(
        self, endpoints: str | Sequence[str] = (), *, context: Context | None = None, **options: Unpack[ClientOptions]
    ) -> None:
        """A client of one endpoint or several, or only of ``freelance`` servers, in ``context`` or the default one."""
        self._client = _native.Client(endpoints, context or Context.default(), options)
        self._answers = Answers(self._client)

    async def request(
        self, service: str, body: Buffer | Sequence[Buffer] = (), **options: Unpack[RequestOptions]
    ) -> list[bytes]:
        """Asks and waits, at most until the request's own deadline. Partial answers are put together.

        Cancelling the task takes the request back, also at the worker.
        """
        loop = self._answers.running()
        return await self._outcome(loop, self._client.post(service, body, **options))

    async def store(
        self, service: str, body: Buffer | Sequence[Buffer] = (), **options: Unpack[RequestOptions]
    ) -> None:
        """Leaves a durable request with a broker, as :meth:`zpatterns.reqrep.Client.store`."""
        loop = self._answers.running()
        await self._outcome(loop, self._client.post_task("store", service, body, **options))

    async def fetch(self, service: str, key: Buffer | str, *, patience: float = 30.0) -> list[bytes]:
        """The reply to the durable request with this key, as :meth:`zpatterns.reqrep.Client.fetch`."""
        loop = self._answers.running()
        return await self._outcome(loop, self._client.post_task("fetch", service, key=key, deadline=patience))

    async def discard(self, service: str, key: Buffer | str, *, patience: float = 30.0) -> None:
        """Forgets the durable request with this key, as :meth:`zpatterns.reqrep.Client.discard`."""
        loop = self._answers.running()
        await self._outcome(loop, self._client.post_task("discard", service, key=key, deadline=patience))

    async def stream(
        self, service: str, body: Buffer | Sequence[Buffer] = (), **options: Unpack[RequestOptions]
    ) -> AsyncGenerator[Part, None]:
        """Asks, and gives the parts of the answer as they come, until it is complete.

        If the ``run`` of a part differs from the last one's, a worker was lost and the answer starts over. Closing the
        generator takes the request back: use ``contextlib.aclosing`` where the loop may be left early. It fails with
        ``Full`` if more than 64 MiB wait to be taken.
        """
        stream = Stream(self._answers.running())
        ticket = self._client.post(service, body, **options)
        self._answers.askers[ticket] = stream
        try:
            while (part := await stream.next()) is not None:
                yield part
        finally:
            self._answers.take_back(ticket)

    async def _outcome(self, loop: asyncio.AbstractEventLoop, ticket: int) -> list[bytes]:
        future: asyncio.Future[list[bytes]] = loop.create_future()
        self._answers.askers[ticket] = future
        try:
            return await future
        except asyncio.CancelledError:
            self._answers.take_back(ticket)
            raise

    def counters(self) -> dict[str, int]:
        """What became of the requests so far, by name; after ``close``, the last."""
        return self._client.counters()

    @property
    def closed(self) -> bool:
        """Whether the client is closed, by itself or with its context."""
        return self._client.closed

    def close(self) -> None:
        """Closes, from any thread. Every request that is open ends with ``Closed``. Closing twice is fine."""
        self._client.close()
        self._answers.ended(lambda: None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Worker(JobTaker[Job]):
    """A :class:`zpatterns.reqrep.Worker` for one event loop, with its constructor. Iterating it gives jobs.

    A job is answered without waiting: ``job.reply(...)``. Several tasks may take jobs, and a program may keep several,
    if ``credit`` allows, and answer them in any order.
    """

    def __init__(
        self,
        service: str,
        *,
        connect: str | Sequence[str] = (),
        bind: str | None = None,
        context: Context | None = None,
        **options: Unpack[WorkerOptions],
    ) -> None:
        """A worker of the brokers that it connects to, or one that is its own server and binds for clients."""
        worker = reqrep.Worker(service, connect=connect, bind=bind, context=context, **options)
        super().__init__(worker)
        self._endpoint = worker.endpoint

    @property
    def endpoint(self) -> str | None:
        """Where clients reach a worker that binds, with the port that the system chose."""
        return self._endpoint

    async def wait_cancelled(self, job: Job) -> bool:
        """Returns true when nobody waits for the answer any more, or false once it is given or the worker is closed."""
        return await self._wait_off(job, lambda: job.cancelled)


class Broker:
    """A :class:`zpatterns.reqrep.Broker`, with its constructor. It works on threads of its context, not in the loop.

    Iterating it gives news, for one event loop, until it is closed.
    """

    def __init__(
        self, endpoints: str | Sequence[str], *, context: Context | None = None, **options: Unpack[BrokerOptions]
    ) -> None:
        """A broker at one endpoint or several, in ``context`` or the default one."""
        self._broker = reqrep.Broker(endpoints, context=context, **options)
        self._notices = Notices(self._broker)
        self._batches = Batches(self._notices, lambda: self._broker.take_news(BATCH))
        self._taken = self._batches.taken

    @property
    def endpoints(self) -> list[str]:
        """Where it is reached, with the ports that the system chose; then the plain endpoints."""
        return self._broker.endpoints

    def workers(self) -> int:
        """Workers connected now."""
        return self._broker.workers()

    def counters(self) -> dict[str, int]:
        """What became of the requests so far, by name; after ``close``, the last."""
        return self._broker.counters()

    def services(self) -> list[dict[str, Any]]:
        """The same for each service, as :meth:`zpatterns.reqrep.Broker.services`."""
        return self._broker.services()

    def peers(self) -> list[dict[str, Any]]:
        """What each client asked and each worker was given, as :meth:`zpatterns.reqrep.Broker.peers`."""
        return self._broker.peers()

    async def next(self) -> News:
        """What happened next, as :meth:`zpatterns.reqrep.Broker.next`. Cancelling loses none."""
        if not self._taken:
            await self._batches.refill()
        return self._taken.popleft()

    def __aiter__(self) -> Self:
        """News, until the broker is closed."""
        return self

    async def __anext__(self) -> News:
        try:
            return await self.next()
        except Closed:
            raise StopAsyncIteration from None

    async def drain(self) -> None:
        """Takes no more requests, and waits until those that are here are answered. Cancelled, it goes on draining."""
        cancel = Cancel()
        try:
            await asyncio.to_thread(self._broker.drain, None, cancel)
        finally:
            cancel.cancel()

    @property
    def closed(self) -> bool:
        """Whether the broker is closed, by itself or with its context."""
        return self._broker.closed

    def close(self) -> None:
        """Closes the broker where it is. Clients are told, and may ask another. Closing twice is fine."""
        self._broker.close()
        self._notices.ended(self._taken.clear)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
