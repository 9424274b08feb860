"""The native module. Private: programs use the package."""

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, ClassVar, final

from typing_extensions import Buffer, Self, Unpack, disjoint_base

from .bus import Event, Peer
from .errors import Error
from .pubsub import Event as SubscriberEvent
from .pubsub import PublisherEvent
from .reqrep import News, Part, RequestOptions
from .zqueue import ChildOptions, DeadLetter, JobOptions, OnFailure, TreeJob
from .zqueue import Event as WatchEvent

__all__ = [
    "AioProducer",
    "Authenticator",
    "Broken",
    "Broker",
    "Bus",
    "Cancel",
    "Child",
    "Client",
    "Context",
    "Draft",
    "Dropped",
    "Ends",
    "error_kinds",
    "raise_error",
    "curve_keypair",
    "curve_public_key",
    "Gone",
    "info",
    "Job",
    "Joined",
    "Message",
    "Missed",
    "Monitor",
    "option_table",
    "Producer",
    "Publication",
    "Publisher",
    "Proxy",
    "Queue",
    "QueueJob",
    "QueueWorker",
    "Socket",
    "Subscriber",
    "VERSION",
    "Watch",
    "Worker",
    "zpat",
]

VERSION: str

def error_kinds() -> list[tuple[str, int, bool]]: ...
def raise_error(code: int, message: str) -> None: ...
def info() -> dict[str, Any]: ...
def zpat(arguments: list[str]) -> int:
    """Runs the command ``zpat`` with these arguments, the first of which is its name; its exit code."""

def curve_keypair() -> tuple[str, str]: ...
def curve_public_key(secret: str) -> str: ...
def option_table() -> list[tuple[str, str, str, int, int, str]]:
    """The table of socket options: name, type, default as text, smallest and largest number, what it does."""

@final
class Cancel:
    """Ends waits from another thread.

    Once cancelled it stays so: every wait that it was given to, now or later, raises ``Cancelled``.
    """

    def __new__(cls) -> Self: ...
    def cancel(self) -> None:
        """Fires."""
    @property
    def cancelled(self) -> bool:
        """Whether it fired."""

@disjoint_base
class Context:
    def __new__(cls, *, io_threads: int | None = None, max_sockets: int | None = None) -> Self: ...
    def close(self) -> None:
        """Closes every socket of the context and waits until what was sent has left, at most for the longest linger.

        Closing twice is fine.
        """
    @property
    def closed(self) -> bool:
        """Whether the context is closed."""

@disjoint_base
class Socket:
    def __new__(cls, kind: str, context: Context, options: Any) -> Self: ...
    @property
    def kind(self) -> str:
        """The type, in lower case: ``"push"``."""
    @property
    def closed(self) -> bool:
        """Whether the socket is closed, by itself or with its context."""
    def bind(self, endpoint: str) -> str:
        """Binds, and returns the endpoint as it became, with the port that the system chose for port 0."""
    def connect(self, endpoint: str) -> None:
        """Connects, and connects again after a failure, in the background."""
    def unbind(self, endpoint: str) -> None:
        """Stops listening on an endpoint, given as ``bind`` returned it. Connections already made stay."""
    def disconnect(self, endpoint: str) -> None:
        """Ends a connection, given as it was to ``connect``. What is not yet sent on it is dropped after the linger."""
    def subscribe(self, prefix: Buffer) -> None:
        """SUB: receive messages whose first frame starts with ``prefix``."""
    def unsubscribe(self, prefix: Buffer) -> None:
        """SUB: take back one ``subscribe`` with the same prefix."""
    def _monitor(self) -> Monitor: ...
    def send(self, data: Buffer, timeout: float | None = None, cancel: Cancel | None = None) -> None:
        """Sends a message of one frame; waits for room.

        Large ``bytes`` are handed over without a copy, other buffers are copied. Success means that libzmq took the
        message. ``Full`` (with timeout 0) or ``Timeout`` if there was no room.
        """
    def send_multipart(
        self, frames: Iterable[Buffer], timeout: float | None = None, cancel: Cancel | None = None
    ) -> None:
        """Sends a message of these frames, as ``send`` does."""
    def send_many(
        self, messages: Iterable[Buffer], timeout: float | None = None, cancel: Cancel | None = None
    ) -> int:
        """Sends messages of one frame each, in order, and returns how many were sent.

        ``timeout`` is for all of them together. An error of the first message is raised; an error later ends the call, which
        then returns less than all, and shows when the rest is sent again.
        """
    def send_many_multipart(
        self, messages: Iterable[Iterable[Buffer]], timeout: float | None = None, cancel: Cancel | None = None
    ) -> int:
        """Sends messages of several frames, as ``send_many`` does."""
    def recv(self, timeout: float | None = None, cancel: Cancel | None = None) -> bytes:
        """Receives a message of one frame.

        If the next message has several, that is ``Unsupported``, and it stays in line for ``recv_multipart``.
        """
    def recv_text(self, timeout: float | None = None, cancel: Cancel | None = None) -> str:
        """Receives a message of one frame that is UTF-8.

        If the next message is not, that is ``InvalidText``, and it stays in line for ``recv``.
        """
    def recv_multipart(self, timeout: float | None = None, cancel: Cancel | None = None) -> list[bytes]:
        """Receives a message as the list of its frames."""
    def recv_many(
        self,
        max_messages: int = 1024,
        timeout: float | None = None,
        cancel: Cancel | None = None,
        *,
        max_bytes: int = 1048576,
    ) -> list[bytes]:
        """Receives what is there: waits for one message, then takes what else has arrived.

        It takes at most ``max_messages`` and stops before ``max_bytes`` would be exceeded by a second message, and
        before a message of several frames.
        """
    def recv_many_multipart(
        self,
        max_messages: int = 1024,
        timeout: float | None = None,
        cancel: Cancel | None = None,
        *,
        max_bytes: int = 1048576,
    ) -> list[list[bytes]]:
        """Receives what is there, each message as the list of its frames."""
    def stats(self) -> dict[str, int]:
        """Counters by name; after ``close``, the last."""
    def close(self, linger: float | None = None) -> None:
        """Closes. What is not yet sent survives for ``linger`` seconds, or the option of that name.

        Every wait on the socket ends with ``Closed``. Closing twice is fine.
        """
    def try_send(self, data: Buffer) -> bool:
        """Sends a message of one frame if there is room now, and returns whether there was."""
    def try_send_multipart(self, frames: Iterable[Buffer]) -> bool:
        """Sends a message of these frames if there is room now, and returns whether there was."""
    def try_send_many(self, messages: list[Buffer]) -> int: ...
    def try_send_many_multipart(self, messages: list[list[Buffer]]) -> int: ...
    def drain(self, max_messages: int, max_bytes: int) -> list[bytes]: ...
    def drain_multipart(self, max_messages: int, max_bytes: int) -> list[list[bytes]]: ...
    def ready_fd(self) -> int: ...
    def arm(self, interest: int) -> int: ...
    def set_hook(self, notice: Callable[[], object]) -> None: ...

@disjoint_base
class Monitor:
    def next(self, timeout: float | None = None, cancel: Cancel | None = None) -> tuple[str, str, int]: ...
    def try_next(self) -> tuple[str, str, int] | None: ...
    @property
    def lost(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    def close(self) -> None: ...
    def ready_fd(self) -> int: ...
    def arm(self, interest: int) -> int: ...
    def set_hook(self, notice: Callable[[], object]) -> None: ...

@disjoint_base
class Authenticator:
    def __new__(cls, context: Context) -> Self: ...
    def allow_address(self, address: str) -> None:
        """Lets peers from this address in, as far as user or key allow. With one allowed, all others are refused."""
    def deny_address(self, address: str) -> None:
        """Refuses peers from this address, whatever else is allowed."""
    def allow_user(self, name: str, password: str) -> None:
        """Lets a PLAIN user with this password in; replaces an earlier one. Both have at most 255 bytes."""
    def remove_user(self, name: str) -> None:
        """Refuses this user from now on; connections that exist stay."""
    def allow_key(self, public_key: str) -> None:
        """Lets the CURVE client with this public key in: 40 characters of Z85."""
    def remove_key(self, public_key: str) -> None:
        """Refuses this key from now on; connections that exist stay."""
    def allow_any_key(self) -> None:
        """Lets every CURVE client in: encryption without authentication."""
    def stats(self) -> dict[str, int]:
        """Decisions so far, by name."""
    def close(self) -> None:
        """Stops. From now on nobody new gets into a server socket of the context."""

@disjoint_base
class Proxy:
    def __new__(cls, front: Socket, back: Socket, capture: Socket | None = None) -> Self:
        """Passes messages on between ``front`` and ``back``, and sends each on ``capture``, too.

        Both ways as far as the socket types send and receive; ``Unsupported`` if that is neither.
        """
    def stats(self) -> dict[str, int]:
        """What was passed on, by name."""
    def wait(self, timeout: float | None = None, cancel: Cancel | None = None) -> Exception:
        """Waits until the proxy ends by itself, and returns the error that says why."""
    def close(self) -> None:
        """Stops passing messages on. Closing twice is fine."""

@disjoint_base
class Client:
    def __new__(cls, endpoints: str | Sequence[str], context: Context, options: Any) -> Self: ...
    def submit(
        self, service: str, body: Buffer | Sequence[Buffer] = (), **options: Unpack[RequestOptions]
    ) -> int:
        """Asks, and goes on. Returns the ticket of the request, for ``wait``.

        ``wait`` has to be called until the outcome is there, or ``forget``.
        """
    def post(
        self, service: str, body: Buffer | Sequence[Buffer] = (), **options: Unpack[RequestOptions]
    ) -> int:
        """Asks, and goes on. Returns the ticket of the request; ``next`` brings the answer, among those to others."""
    def post_many(
        self, service: str, bodies: Iterable[Buffer | Sequence[Buffer]], **options: Unpack[RequestOptions]
    ) -> list[int]:
        """Posts a request for each of ``bodies``, and returns the tickets of those that were made.

        An error of the first is raised; an error later ends the call, which then returns less than all, and shows when
        the rest is posted again.
        """
    def submit_task(
        self, task: str, service: str, body: Buffer | Sequence[Buffer] = (), **options: Unpack[RequestOptions]
    ) -> int:
        """As ``submit``, for a durable request: ``"store"``, ``"fetch"`` or ``"discard"`` it.

        ``wait`` gives an empty list when it is stored or discarded.
        """
    def post_task(
        self, task: str, service: str, body: Buffer | Sequence[Buffer] = (), **options: Unpack[RequestOptions]
    ) -> int:
        """As ``post``, for the tasks of ``submit_task``."""
    def wait(self, ticket: int, timeout: float | None = None, cancel: Cancel | None = None) -> list[bytes] | Part:
        """What comes next of a request that was submitted: some of the answer, or the reply, and nothing follows that.

        ``JobFailed`` and ``RequestFailed`` are outcomes, too. ``Timeout`` that is no ``RequestFailed`` says that
        nothing came yet: the request goes on, wait again; so does it after ``Cancelled``. ``NotFound`` if the outcome
        was taken. One thread waits for a ticket at a time.
        """
    def next(
        self, timeout: float | None = None, cancel: Cancel | None = None
    ) -> tuple[int, list[bytes] | Part | Error]:
        """What comes next of any request that was posted, with its ticket. An error is returned, not raised.

        A list is the reply, a ``Part`` some of it, and a ``JobFailed`` or ``RequestFailed`` how the request ended.
        """
    def next_many(
        self, max_answers: int = 1024, timeout: float | None = None, cancel: Cancel | None = None
    ) -> list[tuple[int, list[bytes] | Part | Error]]:
        """As ``next``, with what else is there, at most so many."""
    def drain(self, max_answers: int) -> list[tuple[int, list[bytes] | Part | Error]]: ...
    def cork(self) -> None: ...
    def uncork(self) -> None: ...
    def cancel(self, ticket: int) -> None:
        """Takes a request back, also at the worker. It fails with ``Cancelled``, unless another outcome came first."""
    def forget(self, ticket: int) -> None:
        """Takes a submitted request back, and drops its outcome."""
    def counters(self) -> dict[str, int]:
        """What became of the requests so far, by name; after ``close``, the last.

        Always: ``accepted`` is ``delivered``, ``held`` and all that is ``lost_`` together.
        """
    @property
    def closed(self) -> bool:
        """Whether the client is closed, by itself or with its context."""
    def close(self) -> None:
        """Closes. Requests that are open have no outcome: every wait ends with ``Closed``. Closing twice is fine."""
    def ready_fd(self) -> int: ...
    def set_hook(self, notice: Callable[[], object]) -> None: ...

@disjoint_base
class Worker:
    def __new__(
        cls, service: str, connect: str | Sequence[str], bind: str | None, context: Context, options: Any
    ) -> Self: ...
    @property
    def endpoint(self) -> str | None:
        """Where clients reach a worker that binds, with the port that the system chose."""
    def next(self, timeout: float | None = None, cancel: Cancel | None = None) -> Job:
        """The next job, or ``Timeout``; ``Closed`` after ``leave`` when all is done."""
    def next_many(
        self, max_jobs: int = 1024, timeout: float | None = None, cancel: Cancel | None = None
    ) -> list[Job]:
        """The next job, and what else is there, at most so many. There are several only if ``credit`` allows."""
    def drain(self, max_jobs: int) -> list[Job]: ...
    def cork(self) -> None: ...
    def uncork(self) -> None: ...
    def leave(self) -> None:
        """Takes no more jobs. Those that are here are to be done; then ``next`` ends with ``Closed``."""
    def counters(self) -> dict[str, int]:
        """What it did so far, by name; after ``close``, the last."""
    @property
    def closed(self) -> bool:
        """Whether the worker is closed, by itself or with its context."""
    def close(self) -> None:
        """Closes the worker where it is. Jobs that are here are given to others. Closing twice is fine."""
    def ready_fd(self) -> int: ...
    def arm(self, interest: int) -> int: ...
    def set_hook(self, notice: Callable[[], object]) -> None: ...

@final
class Job:
    """A request to be answered once, by any thread.

    One that is dropped without an answer, such as by leaving its ``with``, fails with the code ``DROPPED``.
    """

    DROPPED: ClassVar[int]
    """The error code of a job that was dropped without an answer."""
    @property
    def service(self) -> str:
        """What is asked for."""
    @property
    def key(self) -> bytes:
        """The key of the request; may be empty."""
    @property
    def body(self) -> list[bytes]:
        """The frames of the question."""
    @property
    def remaining(self) -> float:
        """Seconds for which the answer is still of use; 0 if it no longer is."""
    @property
    def done(self) -> bool:
        """Whether it was answered, or is lost because the worker closed."""
    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the answer any more; false once it is done."""
    def wait_cancelled(self, timeout: float | None = None) -> bool:
        """Waits until nobody waits for the answer any more.

        False if the time passes or another thread answers first.
        """
    def send_partial(self, body: Buffer | Sequence[Buffer]) -> None:
        """Sends some of the answer."""
    def reply(self, body: Buffer | Sequence[Buffer] = ()) -> None:
        """Answers, or sends the rest of the answer.

        ``WrongState`` if that was done before; ``Closed`` if the worker was closed: the job was given to another.
        """
    def fail(self, code: int, body: Buffer | Sequence[Buffer] = ()) -> None:
        """Says that it cannot be done, with a code and words of the program's own; the first are shown to people."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

@final
class Ends:
    """Tells an event loop which jobs are done, or of no more use, by the number that each was given."""

    def __new__(cls, notice: Callable[[], object]) -> Self: ...
    def watch(self, job: Job | QueueJob, number: int) -> None: ...
    def take(self) -> list[int]: ...

@disjoint_base
class Broker:
    def __new__(cls, endpoints: str | Sequence[str], context: Context, options: Any) -> Self: ...
    @property
    def endpoints(self) -> list[str]:
        """Where it is reached, with the ports that the system chose; then the plain endpoints."""
    def workers(self) -> int:
        """Workers connected now."""
    def counters(self) -> dict[str, int]:
        """What became of the requests so far, by name; after ``close``, the last.

        Always: ``accepted`` is ``delivered``, ``held`` and all that is ``lost_`` together.
        """
    def services(self) -> list[dict[str, Any]]:
        """What became of the requests for each service that a worker has offered, in the order of their names.

        Each has its ``name``, how many ``workers`` offer it now, and what ``counters`` has, by the same names. Of those
        that nobody offers now, not more than some thousands are remembered.
        """
    def peers(self) -> list[dict[str, Any]]:
        """The clients and workers that are connected now; not those with an older protocol.

        ``number``: which one it was to come, from 1, and it keeps that over broken connections. ``service``: what it
        offers, or None for a client. ``requests``, all that it asked or was given, are ``answered``, ``failed`` and
        ``held`` together. ``unfetched``: bytes that were sent to it and that it may not have.
        """
    def next(self, timeout: float | None = None, cancel: Cancel | None = None) -> News:
        """What happened next: a worker came or went, requests are lost. ``Timeout`` if nothing did in time.

        News are kept from the first call on, some 1,000 at most; where others were missed, that is said. ``Closed``
        when the broker has ended.
        """
    def take_news(self, max_news: int) -> list[News]: ...
    def drain(self, timeout: float | None = None, cancel: Cancel | None = None) -> None:
        """Takes no more requests, and waits until those that are here are answered.

        ``Timeout`` if they were not in time; it goes on draining.
        """
    def wait(self, timeout: float | None = None, cancel: Cancel | None = None) -> None:
        """Waits until the broker is closed, by itself or with its context, or ``Timeout``."""
    @property
    def closed(self) -> bool:
        """Whether the broker is closed, by itself or with its context."""
    def close(self) -> None:
        """Closes the broker where it is. Clients are told, and may ask another. Closing twice is fine."""
    def ready_fd(self) -> int: ...
    def arm(self, interest: int) -> int: ...
    def set_hook(self, notice: Callable[[], object]) -> None: ...

@disjoint_base
class Bus:
    def __new__(
        cls, endpoint: str, context: Context, subscribe: Buffer | Sequence[Buffer], options: Any
    ) -> Self: ...
    @property
    def interface(self) -> str:
        """The address of this machine where the bus is."""
    def subscribe(self, prefix: Buffer) -> None:
        """From now on messages whose first frame begins with ``prefix`` are received; with an empty one, all.

        A bus hears others from its first subscription on.
        """
    def unsubscribe(self, prefix: Buffer) -> None:
        """Undoes a ``subscribe``. ``NotFound`` if there was none of this prefix."""
    def inject_loss(self, fraction: float) -> None:
        """From now on this fraction of the datagrams that arrive, from 0 to 1, is thrown away at random.

        That happens before anything looks at them: to try what a program does. 0 ends it.
        """
    def send(
        self, frames: Buffer | Sequence[Buffer], timeout: float | None = None, cancel: Cancel | None = None
    ) -> None:
        """Sends a message to all who are on the bus now. It is handed over: who hears it, nobody says.

        ``Timeout`` if there was no room in time; ``InvalidArgument`` if there is no frame.
        """
    def send_many(
        self, messages: Iterable[Buffer | Sequence[Buffer]], timeout: float | None = None, cancel: Cancel | None = None
    ) -> int:
        """Sends messages, in order, and returns how many were sent. It costs less than one by one.

        ``timeout`` is for all of them together. An error before the first was sent is raised; an error later ends the
        call, which then returns less than all, and shows when the rest is sent again.
        """
    def recv(self, timeout: float | None = None, cancel: Cancel | None = None) -> Event:
        """Receives the next message or event, or ``Timeout``."""
    def recv_many(
        self,
        max_events: int = 1024,
        timeout: float | None = None,
        cancel: Cancel | None = None,
        *,
        max_bytes: int = 1048576,
    ) -> list[Event]:
        """Receives what is there: waits for one message or event, then takes what else has arrived.

        It takes at most ``max_events``, and stops before a second would exceed ``max_bytes``.
        """
    def drain(self, max_events: int = 1024, max_bytes: int = 1048576) -> list[Event]:
        """Takes what is there, which may be nothing, as ``recv_many`` does."""
    def try_send(self, frames: Buffer | Sequence[Buffer]) -> bool:
        """Sends a message if there is room now, and returns whether there was."""
    def try_send_many(self, messages: list[Buffer | Sequence[Buffer]]) -> int: ...
    def counters(self) -> dict[str, int]:
        """What it did so far, by name; after ``close``, the last.

        ``sent_messages`` and ``sent_datagrams``, of which ``sent_repairs`` were sent again; of the numbers that were
        asked for, ``sent_asked``, the window had ``sent_gone`` no more. ``received_delivered`` are messages,
        ``received_missed`` datagrams that will not come. ``dropped`` counts what the program did not take in time,
        ``full`` how often the system had no room for what was to be sent, ``injected`` what ``inject_loss`` threw away.
        """
    def peers(self) -> list[dict[str, Any]]:
        """Who is heard now, as ``peer``, and what became of what they sent, named as in ``counters``."""
    @property
    def closed(self) -> bool:
        """Whether the bus is closed, by itself or with its context."""
    def close(self, linger: float | None = None) -> None:
        """Leaves the bus: waits until what is to be sent has left, and what is asked for is repeated.

        That takes at most ``linger`` seconds, or the option of that name. Every wait ends with ``Closed``. Closing
        twice is fine.
        """
    def ready_fd(self) -> int: ...
    def arm(self, interest: int) -> int: ...
    def set_hook(self, notice: Callable[[], object]) -> None: ...

@disjoint_base
class Publisher:
    def __new__(cls, endpoint: str, context: Context, options: Any) -> Self: ...
    @property
    def endpoint(self) -> str:
        """Where subscribers connect, with the port that the system chose."""
    @property
    def shared_endpoint(self) -> str | None:
        """Where the shared path is. Subscribers are told."""
    @property
    def plain_endpoint(self) -> str | None:
        """Where plain SUB sockets connect."""
    def publish(
        self,
        subject: str,
        frames: Buffer | Sequence[Buffer],
        timeout: float | None = None,
        cancel: Cancel | None = None,
    ) -> None:
        """Publishes: from now on it is the publisher's to see that each subscriber gets it, or is told.

        ``Timeout`` if somebody for whom the publisher waits was slow until then, or publications took all memory;
        ``NotFound`` if the subject is of no stream, ``TooLarge`` beyond ``max_size`` or 255 frames, ``InvalidArgument`` if
        the subject is none.
        """
    def publish_many(
        self,
        publications: Iterable[tuple[str, Buffer | Sequence[Buffer]]],
        timeout: float | None = None,
        cancel: Cancel | None = None,
    ) -> int:
        """Publishes several, in order, and returns how many were taken. It costs less than one by one.

        ``timeout`` is for all of them together. An error before the first was taken is raised; an error later ends the
        call, which then returns less than all, and shows when the rest is published again.
        """
    def try_publish(self, subject: str, frames: Buffer | Sequence[Buffer]) -> bool:
        """Publishes if there is room now, and returns whether there was."""
    def try_publish_many(self, publications: list[tuple[str, Buffer | Sequence[Buffer]]]) -> int: ...
    def next(self, timeout: float | None = None, cancel: Cancel | None = None) -> PublisherEvent:
        """What happened next, if the program is asked or wants news, or ``Timeout``."""
    def take_events(self, max_events: int) -> list[PublisherEvent]: ...
    def admit(
        self, ask: int, user: Buffer | str, allow: str | Sequence[str], deny: str | Sequence[str]
    ) -> None: ...
    def refuse(self, ask: int, text: str) -> None:
        """Does not let somebody in, and says why."""
    def set_entitlements(self, text: Buffer | str) -> None:
        """From now on this is who may hear what, in ZPL, also instead of rules that were set for a user.

        What is not allowed any more does not leave after this returns, and who is no user any more is sent away.
        """
    def set_rules(self, user: Buffer | str, allow: str | Sequence[str], deny: str | Sequence[str]) -> None: ...
    def open_plain(self, user: Buffer | str, endpoint: str) -> str:
        """Opens an endpoint where plain SUB sockets hear what this user may, of all streams; returns where it is.

        Its rules are those that were set, or else what entitlements say; what they do not allow any more is not handed
        over after they changed. Whoever the publisher's security lets in may connect there, and not only this user.
        Nobody acknowledges: who is slow or away misses some of it, nobody is told, and ``handed_over`` of the counters is
        all that is known. ``PermissionDenied`` if no rule allows this user anything, ``Full`` beyond ``max_plain``.
        """
    def close_plain(self, endpoint: str) -> None:
        """Closes what ``open_plain`` opened, by what that returned; its port is free a moment later. ``NotFound``."""
    def expel(self, identity: Buffer | str, text: str) -> None:
        """Forgets this subscriber and what is for it; if it is connected it is told why."""
    def counters(self) -> dict[str, int]:
        """What it did so far, by name; after ``close``, the last.

        ``accepted`` is what became of publications for all subscribers together, ``delivered``, ``held`` or ``lost_`` for a
        reason. ``refused_full`` counts how often there was no room, ``repaired`` what the shared path had lost, ``denied``
        who was refused.
        """
    def subscribers(self) -> list[dict[str, Any]]:
        """Who is known, by ``identity``, and what became of the publications for each, named as in ``counters``."""
    @property
    def closed(self) -> bool:
        """Whether the publisher is closed, by itself or with its context."""
    def close(self, linger: float | None = None) -> None:
        """Takes no more, and waits until what is for connected subscribers has arrived; then it says goodbye.

        That takes at most ``linger`` seconds, or the option of that name. Every wait ends with ``Closed``. Closing
        twice is fine.
        """
    def ready_fd(self) -> int: ...
    def arm(self, interest: int) -> int: ...
    def set_hook(self, notice: Callable[[], object]) -> None: ...

@disjoint_base
class Subscriber:
    def __new__(cls, publisher: str, context: Context, options: Any) -> Self: ...
    @property
    def endpoint(self) -> str | None:
        """The endpoint that it has bound, if it has one, with the port that the system chose."""
    def subscribe_to(self, pattern: str | None, prefix: Buffer | str | None, options: Any) -> int: ...
    def unsubscribe(self, subscription: int) -> None:
        """Wants that no more. What is here of it already still comes."""
    def recv(self, timeout: float | None = None, cancel: Cancel | None = None) -> SubscriberEvent:
        """Receives the next publication or event, or ``Timeout``.

        ``PermissionDenied`` or ``Full`` if the publisher has refused this subscriber or sent it away, or it has died of
        being late: that comes after all that came before, and again with every call.
        """
    def recv_many(
        self,
        max_events: int = 1024,
        timeout: float | None = None,
        cancel: Cancel | None = None,
        *,
        max_bytes: int = 1048576,
    ) -> list[SubscriberEvent]:
        """Receives what is there: waits for one publication or event, then takes what else has arrived.

        It takes at most ``max_events``, and stops before a second would exceed ``max_bytes``.
        """
    def drain(self, max_events: int = 1024, max_bytes: int = 1048576) -> list[SubscriberEvent]:
        """Takes what is there, which may be nothing, as ``recv_many`` does."""
    def counters(self) -> dict[str, int]:
        """What it got so far, by name; after ``close``, the last.

        ``delivered`` to the program; ``missed``, of which it was told; ``repaired``, which the shared path had lost;
        ``waiting``, which are here and not taken.
        """
    def views(self) -> list[dict[str, Any]]:
        """How far each ``subscription`` is in each ``stream``: ``last``, and whether it comes over the ``shared`` path."""
    @property
    def closed(self) -> bool:
        """Whether the subscriber is closed, by itself or with its context."""
    def close(self) -> None:
        """Says goodbye. What is here and not taken is dropped; every wait ends with ``Closed``. Closing twice is fine."""
    def ready_fd(self) -> int: ...
    def arm(self, interest: int) -> int: ...
    def set_hook(self, notice: Callable[[], object]) -> None: ...

@final
class Publication:
    """A publication that a subscription asked for; those of one stream come in the order in which they were published."""

    __match_args__: ClassVar[tuple[str, str, str, str, str]]
    def __new__(cls, subscription: int, stream: str, number: int, subject: str, frames: list[bytes]) -> Self: ...
    @property
    def subscription(self) -> int:
        """The subscription that asked for it."""
    @property
    def stream(self) -> str:
        """The stream to which it belongs."""
    @property
    def number(self) -> int:
        """Its number in the stream."""
    @property
    def subject(self) -> str:
        """What it is about."""
    @property
    def frames(self) -> list[bytes]:
        """What was published."""

@final
class Message:
    """A message; those of one peer come in the order in which it sent them."""

    __match_args__: ClassVar[tuple[str, str]]
    def __new__(cls, peer: int, frames: list[bytes]) -> Self: ...
    @property
    def peer(self) -> Peer:
        """Who sent it."""
    @property
    def frames(self) -> list[bytes]:
        """What."""

@final
class Joined:
    """Somebody is heard for the first time."""

    __match_args__: ClassVar[tuple[str]]
    def __new__(cls, peer: int) -> Self: ...
    @property
    def peer(self) -> Peer:
        """Who."""

@final
class Gone:
    """Somebody has ended, or is heard no more."""

    __match_args__: ClassVar[tuple[str]]
    def __new__(cls, peer: int) -> Self: ...
    @property
    def peer(self) -> Peer:
        """Who."""

@final
class Missed:
    """Datagrams that were lost and will not be repeated, with what was in them: some messages, or none."""

    __match_args__: ClassVar[tuple[str, str, str]]
    def __new__(cls, peer: int, first: int, last: int) -> Self: ...
    @property
    def peer(self) -> Peer:
        """Whose."""
    @property
    def first(self) -> int:
        """The number of the first."""
    @property
    def last(self) -> int:
        """The number of the last; numbers go round at 2**32."""

@final
class Broken:
    """What came makes no sense as messages. It was dropped, up to the next one that does."""

    __match_args__: ClassVar[tuple[str]]
    def __new__(cls, peer: int) -> Self: ...
    @property
    def peer(self) -> Peer:
        """From whom."""

@final
class Dropped:
    """So many messages and events before the next one did not fit, because the program took too little."""

    __match_args__: ClassVar[tuple[str]]
    def __new__(cls, count: int) -> Self: ...
    @property
    def count(self) -> int:
        """How many."""

@disjoint_base
class Queue:
    def __new__(cls, endpoints: str | Sequence[str], context: Context, options: Any) -> Self: ...
    @property
    def endpoints(self) -> list[str]:
        """Where it is reached, with the ports that the system chose."""
    def workers(self) -> int:
        """Workers connected now."""
    def counters(self) -> dict[str, int]:
        """What became of the jobs so far, by name; after ``close``, the last.

        Always: ``accepted`` is ``delivered``, ``held`` and all that is ``lost_`` together; ``held`` is ``waiting``,
        ``delayed``, ``running`` and ``suspended``.
        """
    def queues(self) -> list[dict[str, Any]]:
        """The queues that were ever named, in the order of their ``name``.

        Jobs ``waiting`` and ``running`` in it and their ``bytes``, jobs ``delivered`` and ``lost`` so far, ``workers``
        that take jobs from it, and ``oldest``: the seconds for which the one at its head has waited.
        """
    def drain(self, timeout: float | None = None, cancel: Cancel | None = None) -> None:
        """Takes no more jobs, and waits until those that are here have ended.

        ``Timeout`` if they have not in time; it goes on draining.
        """
    def wait(self, timeout: float | None = None, cancel: Cancel | None = None) -> None:
        """Waits until the queue is closed, by itself or with its context, or ``Timeout``."""
    @property
    def closed(self) -> bool:
        """Whether the queue is closed, by itself or with its context."""
    def close(self) -> None:
        """Closes the queue where it is. What is not stored is lost. Closing twice is fine."""

@disjoint_base
class Producer:
    def __new__(cls, endpoint: str, context: Context, options: Any) -> Self: ...
    def push(
        self,
        queue: str,
        body: Buffer | Sequence[Buffer] = (),
        *,
        timeout: float | None = None,
        cancel: Cancel | None = None,
        **options: Unpack[JobOptions],
    ) -> int:
        """Pushes a job, and waits until it is accepted: with a store, until it is on the disk. Its number.

        ``Full`` if there is no room now. ``Timeout`` if the queue does not answer within the producer's ``patience``, or
        in time: ``context`` says ``may_be_accepted`` if it may be there all the same.
        """
    def push_many(
        self,
        queue: str,
        bodies: Iterable[Buffer | Sequence[Buffer]],
        *,
        timeout: float | None = None,
        cancel: Cancel | None = None,
        **options: Unpack[JobOptions],
    ) -> list[int]:
        """Pushes a job for each of ``bodies``, any number of them, which costs far less than one by one. Their numbers.

        After an error the first ones are there, as many as its ``context`` says under ``accepted``; of some thousands
        that follow it is not known.
        """
    def run(
        self,
        queue: str,
        body: Buffer | Sequence[Buffer] = (),
        *,
        timeout: float | None = None,
        cancel: Cancel | None = None,
        **options: Unpack[JobOptions],
    ) -> list[bytes]:
        """Pushes a job and waits for what it comes to: frames, or the exception that says why it was not done.

        If the time passes first, the job goes on.
        """
    def submit(
        self, queue: str, body: Buffer | Sequence[Buffer] = (), **options: Unpack[JobOptions]
    ) -> Watch:
        """Pushes a job whose outcome is of interest, and goes on: the watch brings it."""
    def draft(
        self, queue: str, body: Buffer | Sequence[Buffer] = (), **options: Unpack[JobOptions]
    ) -> Draft:
        """Begins a job that is pushed part by part. Nobody does it before it is executed."""
    def watch(self, job: int, progress: bool = False) -> Watch:
        """Watches a job that is there, or whose outcome is kept; with ``progress``, also how far its tree is."""
    def result(self, job: int, timeout: float | None = None, cancel: Cancel | None = None) -> list[bytes]:
        """What a job came to, as soon as it has ended. ``NotFound`` if the queue knows it not, or no more."""
    def cancel(self, job: int, timeout: float | None = None, cancel: Cancel | None = None) -> None:
        """Ends a job and all that it spawned.

        ``WrongState`` if it has ended, ``NotFound`` if the queue does not know it, or no more.
        """
    def requeue(self, letter: int, timeout: float | None = None, cancel: Cancel | None = None) -> int:
        """Takes a dead letter, and tries it again as a job of its own. That one's number."""
    def queues(self, timeout: float | None = None, cancel: Cancel | None = None) -> list[dict[str, Any]]:
        """The queues, as ``Queue.queues``."""
    def tree(
        self, job: int, most: int = 1000, timeout: float | None = None, cancel: Cancel | None = None
    ) -> tuple[list[TreeJob], bool]:
        """A job, and what is below it and has not ended: each right behind the one it is a child of.

        At most so many; and whether there are more. ``NotFound`` if the job has ended.
        """
    def dead(
        self, first: int = 0, most: int = 1000, timeout: float | None = None, cancel: Cancel | None = None
    ) -> tuple[list[DeadLetter], bool]:
        """Dead letters, from the number ``first`` on and at most so many; and whether there are more."""
    @property
    def closed(self) -> bool:
        """Whether the producer is closed, by itself or with its context."""
    def close(self) -> None:
        """Closes. Every wait ends with ``Closed``; what was accepted is done all the same. Closing twice is fine."""

@final
class Watch:
    """A job whose outcome is waited for, by one thread at a time. If it is dropped, the job goes on."""

    def next(self, timeout: float | None = None, cancel: Cancel | None = None) -> WatchEvent:
        """What comes next of the job, or ``Timeout``: watch on.

        ``NotFound`` if the job is not known, and after ``Ended``; another error if it was not accepted.
        """
    def outcome(self, timeout: float | None = None, cancel: Cancel | None = None) -> list[bytes]:
        """What the job comes to: frames, or the exception that says why it was not done."""
    def close(self) -> None:
        """Nobody waits any more; the job goes on."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

@final
class Draft:
    """A job that is pushed part by part. One that is dropped before it is executed never was there."""

    def send_part(self, body: Buffer | Sequence[Buffer]) -> None:
        """Adds to its body."""
    def execute(self) -> Watch:
        """It is whole: it is pushed. ``WrongState`` if it was executed, or dropped."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

@final
class AioProducer:
    """What is behind ``aio.Producer``: it posts, and ``drain`` brings what comes of it, by ticket."""

    def __new__(cls, endpoint: str, context: Context, options: Any) -> Self: ...
    def post(
        self, queue: str, body: Buffer | Sequence[Buffer] = (), watch: bool = False, **options: Unpack[JobOptions]
    ) -> int: ...
    def post_many(
        self, queue: str, bodies: Iterable[Buffer | Sequence[Buffer]], **options: Unpack[JobOptions]
    ) -> list[int]: ...
    def post_draft(
        self, queue: str, body: Buffer | Sequence[Buffer] = (), **options: Unpack[JobOptions]
    ) -> int: ...
    def send_part(self, draft: int, body: Buffer | Sequence[Buffer]) -> None: ...
    def execute(self, draft: int) -> None: ...
    def post_watch(self, job: int, progress: bool) -> int: ...
    def post_cancel(self, job: int) -> int: ...
    def post_requeue(self, letter: int) -> int: ...
    def post_queues(self) -> int: ...
    def post_tree(self, job: int, most: int) -> int: ...
    def post_dead(self, first: int, most: int) -> int: ...
    def forget(self, ticket: int) -> None: ...
    def drain(self, max_answers: int) -> list[tuple[int, Any]]: ...
    def cork(self) -> None: ...
    def uncork(self) -> None: ...
    @property
    def closed(self) -> bool: ...
    def close(self) -> None: ...
    def ready_fd(self) -> int: ...
    def set_hook(self, notice: Callable[[], object]) -> None: ...

@disjoint_base
class QueueWorker:
    def __new__(
        cls, endpoints: str | Sequence[str], queues: str | Sequence[str], context: Context, options: Any
    ) -> Self: ...
    def next(self, timeout: float | None = None, cancel: Cancel | None = None) -> QueueJob:
        """The next job, or ``Timeout``; ``Closed`` after ``leave`` when all is done."""
    def next_many(
        self, max_jobs: int = 1024, timeout: float | None = None, cancel: Cancel | None = None
    ) -> list[QueueJob]:
        """The next job, and what else is there, at most so many. There are several only if ``credit`` allows."""
    def drain(self, max_jobs: int) -> list[QueueJob]: ...
    def cork(self) -> None: ...
    def uncork(self) -> None: ...
    def leave(self) -> None:
        """Takes no more jobs. Those that are here are to be done; then ``next`` ends with ``Closed``."""
    def counters(self) -> dict[str, int]:
        """What it did so far, by name; after ``close``, the last."""
    @property
    def closed(self) -> bool:
        """Whether the worker is closed, by itself or with its context."""
    def close(self) -> None:
        """Closes the worker where it is. Jobs that are here are given to others. Closing twice is fine."""
    def ready_fd(self) -> int: ...
    def arm(self, interest: int) -> int: ...
    def set_hook(self, notice: Callable[[], object]) -> None: ...

@final
class QueueJob:
    """A job to be done once, by any thread.

    One that is dropped without a word, such as by leaving its ``with``, has failed with the code ``DROPPED``, and may be
    tried again.
    """

    DROPPED: ClassVar[int]
    """The code of a job that was dropped without a word."""
    @property
    def id(self) -> int:
        """The queue's number for it."""
    @property
    def queue(self) -> str:
        """The queue in which it was."""
    @property
    def body(self) -> list[bytes]:
        """The frames of what is to be done."""
    @property
    def tries(self) -> int:
        """How often it was given to a worker before, and not done."""
    @property
    def resumed(self) -> bool:
        """Whether it comes back after it spawned children."""
    @property
    def memo(self) -> list[bytes]:
        """The frames that it left when it spawned; none if it has not."""
    @property
    def results(self) -> list[Any]:
        """What its children came to, in the order in which they were spawned; none if it has not spawned.

        A list of frames; an exception, of a child that failed and was to be passed on; ``None`` if it was to be ignored.
        """
    @property
    def done(self) -> bool:
        """Whether it is over, or lost because the worker closed."""
    @property
    def withdrawn(self) -> bool:
        """Whether nobody wants it any more, or another worker has it; false once it is done."""
    def wait_withdrawn(self, timeout: float | None = None) -> bool:
        """Waits until that is so. False if the time passes or another thread ends the job first."""
    def complete(self, body: Buffer | Sequence[Buffer] = ()) -> None:
        """It is done, and this it came to.

        ``WrongState`` if it is over; ``Cancelled`` if it was withdrawn, and nobody hears of it; ``Closed`` if the worker
        was closed: the job was given to another.
        """
    def retry(self, code: int, body: Buffer | Sequence[Buffer] = ()) -> None:
        """It could not be done, and may be tried again; with a code and words of the program's own."""
    def fail(self, code: int, body: Buffer | Sequence[Buffer] = ()) -> None:
        """It cannot be done, and is not tried again; with a code and words of the program's own."""
    def spawn(
        self,
        children: Iterable[Child | tuple[str, Buffer | Sequence[Buffer]]],
        memo: Buffer | Sequence[Buffer] = (),
        *,
        ordered: bool = False,
    ) -> None:
        """These are to be done first, in any order or one after the other; then the job comes back with this memo."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

@final
class Child:
    """A job that is to be done before another goes on. It may be spawned several times."""

    def __new__(
        cls,
        queue: str,
        body: Buffer | Sequence[Buffer] = (),
        *,
        on_failure: OnFailure | None = None,
        detached: bool = False,
        **options: Unpack[ChildOptions],
    ) -> Self:
        """A job in ``queue``. If it is ``detached``, nobody waits for it, and it outlives who spawns it."""
    @property
    def queue(self) -> str:
        """The queue in which it will wait."""
    @property
    def body(self) -> list[bytes]:
        """The frames of what is to be done."""
