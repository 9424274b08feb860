"""Reliable request-reply: a request that cannot be lost in silence.

A :class:`Client` asks, a :class:`Worker` answers, a :class:`Broker` stands between them, or nobody does: a client
connects to a broker or straight to workers, and cannot tell. Every request ends in exactly one way: with a reply, which
is a list of frames; with :class:`JobFailed`, the worker's own error; or with :class:`RequestFailed`, which says
whether a worker may have begun. What a worker held that died, froze or was cut off is given to another, as often as
``attempts`` allows.

>>> with Broker("tcp://127.0.0.1:0") as broker, Worker("greet", connect=broker.endpoints) as worker:
...     with Client(broker.endpoints) as client:
...         ticket = client.submit("greet", b"world")
...         with worker.next(timeout=5) as job:
...             job.reply(b"hello " + job.body[0])
...         client.wait(ticket)
[b'hello world']

All three may be shared between threads. A body is one buffer, or a list or tuple of them: its frames. Times are in
seconds. :mod:`zpatterns.aio` has the same for asyncio.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal, NamedTuple

from . import _native
from ._context import Context
from ._native import Cancel, Job
from ._reqrep_options import (
    Balance,
    BrokerOptions,
    ClientOptions,
    FreelanceServer,
    PlainEndpoint,
    RequestOptions,
    Side,
    WorkerOptions,
)
from .errors import Cancelled, Closed, InvalidArgument, JobFailed, RequestFailed

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self, Unpack

__all__ = [
    "Balance",
    "Broker",
    "BrokerOptions",
    "Client",
    "ClientOptions",
    "FreelanceServer",
    "Job",
    "JobFailed",
    "News",
    "Part",
    "PlainEndpoint",
    "RequestFailed",
    "RequestOptions",
    "Side",
    "Worker",
    "WorkerOptions",
]


class Part(NamedTuple):
    """Some of an answer."""

    run: int
    """Tells one worker's answer from another's: if it changes, a worker was lost and the answer starts over."""
    body: list[bytes]
    """Frames."""


class News(NamedTuple):
    """Something that happened at a broker. What is not of its ``kind`` is 0, False or empty."""

    kind: Literal["worker_joined", "worker_gone", "lost", "missed"]
    """A worker offers a service, or does no more because it closed, is silent for too long or its session is lost;
    requests ended without a worker's answer; or news before the next ones were not taken in time."""
    service: str = ""
    """What the worker offers or offered, or what was asked for."""
    worker: int = 0
    """The number of the worker, as in ``peers``."""
    requests: int = 0
    """How many the worker had who is gone, and those that may be given again go to others; or how many are lost."""
    left: bool = False
    """Whether the worker who is gone had said that it leaves."""
    reason: str = ""
    """Why requests are lost: ``"attempts"`` for those that ``lost_attempts`` counts."""
    missed: int = 0
    """How many news were missed."""


class Parts:
    """The parts of one answer, put together. The core tells of runs; what was of an earlier one is dropped."""

    def __init__(self) -> None:
        self.run = 0
        self._body: list[bytes] = []

    def add(self, part: Part) -> None:
        """Adds what came."""
        if part.run != self.run:
            self.run, self._body = part.run, []
        self._body += part.body

    def end(self, reply: list[bytes]) -> list[bytes]:
        """All of it, with what came last."""
        return self._body + reply if self._body else reply


class Client(_native.Client):
    """Asks brokers, or workers that bind. It connects in the background; a request waits for that.

    ``request`` asks and waits. ``submit`` asks and goes on, and ``wait`` brings what comes of it. ``post`` goes on,
    too, and ``next`` brings what comes of any posted request: with ``post_many`` and ``next_many`` that costs least.
    """

    def __new__(
        cls, endpoints: str | Sequence[str] = (), *, context: Context | None = None, **options: Unpack[ClientOptions]
    ) -> Self:
        """A client of one endpoint or several, or only of ``freelance`` servers, in ``context`` or the default one."""
        return super().__new__(cls, endpoints, context or Context.default(), options)

    def request(
        self,
        service: str,
        body: Buffer | Sequence[Buffer] = (),
        *,
        cancel: Cancel | None = None,
        **options: Unpack[RequestOptions],
    ) -> list[bytes]:
        """Asks and waits, at most until the request's own deadline. Partial answers are put together.

        If ``cancel`` fires the request is taken back, also at the worker, and fails with ``Cancelled``, which says
        whether it may have run; after an exception from a signal handler it is taken back, too.
        """
        return self._outcome(self.submit(service, body, **options), cancel)

    def store(
        self,
        service: str,
        body: Buffer | Sequence[Buffer] = (),
        *,
        cancel: Cancel | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Leaves a durable request with a broker that has a store, and waits until it is on its disk.

        From then on it is done, also if the client and the broker are lost, until its ``deadline`` has passed. Who
        knows service and ``key`` can ``fetch`` the outcome, or ask again: a key is stored once.
        """
        self._outcome(self.submit_task("store", service, body, **options), cancel)

    def fetch(
        self, service: str, key: Buffer | str, *, patience: float = 30.0, cancel: Cancel | None = None
    ) -> list[bytes]:
        """The reply to the durable request with this key, as soon as it is there; it is kept for some time.

        ``NotFound`` if there is none, ``Timeout`` if it has no outcome after ``patience``, else as of a request.
        """
        return self._outcome(self.submit_task("fetch", service, key=key, deadline=patience), cancel)

    def discard(
        self, service: str, key: Buffer | str, *, patience: float = 30.0, cancel: Cancel | None = None
    ) -> None:
        """Forgets the durable request with this key, and its outcome, also on the disk. It is fine if there is none.

        A worker that has it is told that nobody waits.
        """
        self._outcome(self.submit_task("discard", service, key=key, deadline=patience), cancel)

    def stream(
        self,
        service: str,
        body: Buffer | Sequence[Buffer] = (),
        *,
        cancel: Cancel | None = None,
        **options: Unpack[RequestOptions],
    ) -> Generator[Part, None, None]:
        """Asks, and gives the parts of the answer as they come, until it is complete.

        If the ``run`` of a part differs from the last one's, a worker was lost and the answer starts over. Closing the
        generator takes the request back, and so does leaving the loop where nothing else holds it.
        """
        ticket = self.submit(service, body, **options)
        run = 0
        try:
            while isinstance(answer := self.wait(ticket, cancel=cancel), Part):
                run = answer.run
                yield answer
            if answer:
                yield Part(run, answer)
        finally:
            self.forget(ticket)

    def _outcome(self, ticket: int, cancel: Cancel | None) -> list[bytes]:
        try:
            try:
                return self._join(ticket, cancel)
            except Cancelled as error:
                if isinstance(error, RequestFailed):
                    raise
            self.cancel(ticket)
            return self._join(ticket, None)
        except (RequestFailed, JobFailed):
            raise
        except BaseException:
            self.forget(ticket)
            raise

    def _join(self, ticket: int, cancel: Cancel | None) -> list[bytes]:
        parts = Parts()
        while isinstance(answer := self.wait(ticket, None, cancel), Part):
            parts.add(answer)
        return parts.end(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Worker(_native.Worker):
    """Answers requests for one service. Iterating it gives jobs until it is closed, or has left and all is done.

    A program may keep several jobs, if ``credit`` allows, and answer them in any order and from any thread.
    """

    def __new__(
        cls,
        service: str,
        *,
        connect: str | Sequence[str] = (),
        bind: str | None = None,
        context: Context | None = None,
        **options: Unpack[WorkerOptions],
    ) -> Self:
        """A worker of the brokers that it connects to, or one that is its own server and binds for clients."""
        if connect and bind is not None:
            raise InvalidArgument("a worker connects to brokers or binds, not both")
        return super().__new__(cls, service, connect, bind, context or Context.default(), options)

    def __iter__(self) -> Iterator[Job]:
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


class Broker(_native.Broker):
    """Takes requests from clients and gives them to workers; both connect to it. It works on threads of its context.

    Iterating it gives news, such as of workers that come and go, until it is closed.
    """

    def __new__(
        cls, endpoints: str | Sequence[str], *, context: Context | None = None, **options: Unpack[BrokerOptions]
    ) -> Self:
        """A broker at one endpoint or several, in ``context`` or the default one."""
        return super().__new__(cls, endpoints, context or Context.default(), options)

    def __iter__(self) -> Iterator[News]:
        """News, until the broker is closed."""
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
