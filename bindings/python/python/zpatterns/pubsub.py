"""Custom publish-subscribe: who may hear what, and nothing missed in silence.

A :class:`Publisher` knows its :class:`Subscriber`\\ s: they say who they are and what they want, and it decides, serves,
counts, and can take it back. Who is slow is waited for, or loses the oldest, or is sent away, as it chose; and whoever
missed something is told what, in its place: :class:`Missed` stands where something is missing, and never silence or a
repetition. What everybody may hear leaves once for all.

>>> entitlements = '''
... user
...     alice
...         password = secret
...         allow = ticks.eur.*
... '''
>>> with Publisher("tcp://127.0.0.1:0", entitlements=entitlements) as publisher:
...     with Subscriber(publisher.endpoint, user="alice", password="secret") as subscriber:
...         subscription = subscriber.subscribe("ticks.>")
...         while subscriber.recv(timeout=5) != Subscribed(subscription):
...             pass
...         publisher.publish("ticks.usd.jpy", b"151.20")
...         publisher.publish("ticks.eur.usd", b"1.0842")
...         event = subscriber.recv(timeout=5)
...         print(event.subject, event.frames)
ticks.eur.usd [b'1.0842']

What is published is one buffer, or a list or tuple of them: its frames. Times are in seconds. :mod:`zpatterns.aio` has the
same for asyncio.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Union

from . import _native
from ._context import Context
from ._native import Publication as Message
from ._pubsub_options import PublisherOptions, Slow, Stream, SubscriberOptions, SubscriptionOptions
from .errors import Closed, Error

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self, Unpack

__all__ = [
    "Asked",
    "Connected",
    "Event",
    "Joined",
    "Left",
    "Message",
    "Missed",
    "Password",
    "Publisher",
    "PublisherEvent",
    "PublisherOptions",
    "Rejected",
    "Restarted",
    "Slow",
    "Stream",
    "Subscribed",
    "Subscriber",
    "SubscriberOptions",
    "SubscriptionOptions",
    "Token",
]


@dataclass(frozen=True)
class Connected:
    """The publisher knows who this is."""


@dataclass(frozen=True)
class Subscribed:
    """The subscription is there; what follows belongs to it."""

    subscription: int


@dataclass(frozen=True)
class Missed:
    """This was published, and will not come."""

    subscription: int
    """The subscription that asked for it."""
    stream: str
    """The stream to which it belongs."""
    first: int
    """The first number, in the stream."""
    last: int
    """The last."""
    count: int
    """How many of these were for this subscription; 0 if nobody knows."""
    reason: str
    """``"slow"``, ``"history"``, ``"revoked"``, ``"gone"`` or ``"closed"``."""


@dataclass(frozen=True)
class Rejected:
    """The subscription is not there, or not any more."""

    subscription: int
    error: Error
    """Why: ``PermissionDenied``, ``Full``."""


@dataclass(frozen=True)
class Restarted:
    """The publisher has started anew. What it had published and not sent is lost with it; the numbers begin again."""


Event = Union[Message, Missed, Connected, Subscribed, Rejected, Restarted]
"""What a subscriber brings."""


@dataclass(frozen=True)
class Password:
    """Somebody says who he is, and shows a password."""

    user: bytes
    password: bytes = field(repr=False)


@dataclass(frozen=True)
class Token:
    """Somebody shows a token."""

    token: bytes = field(repr=False)


@dataclass(frozen=True)
class Asked:
    """Somebody says who he is: ``admit`` or ``refuse`` him. Refusal is the answer if it takes longer than ``ask``."""

    ask: int
    """For the answer."""
    identity: bytes
    """By which it will be known."""
    user: bytes
    """Who the security of its connection says that it is: a user's name, or a public key in Z85. Empty if there is none."""
    credential: Password | Token | None
    """What it says itself."""


@dataclass(frozen=True)
class Joined:
    """A subscriber is there that was not."""

    identity: bytes
    user: bytes


@dataclass(frozen=True)
class Left:
    """A subscriber has gone, or was silent for longer than its lease."""

    identity: bytes
    user: bytes


PublisherEvent = Union[Asked, Joined, Left]
"""What a publisher's program is told."""


class Publisher(_native.Publisher):
    """Publishes to its subscribers; threads may share it. Iterating it gives events until it is closed."""

    def __new__(
        cls, endpoint: str, *, context: Context | None = None, **options: Unpack[PublisherOptions]
    ) -> Self:
        """A publisher to which subscribers connect at ``endpoint``, in ``context`` or the default one."""
        return super().__new__(cls, endpoint, context or Context.default(), options)

    def admit(
        self, ask: int, user: Buffer | str, allow: str | Sequence[str] = (), deny: str | Sequence[str] = ()
    ) -> None:
        """Lets somebody in, as this user, who may hear these subjects, by patterns.

        If the question is not open any more, nothing happens.
        """
        super().admit(ask, user, allow, deny)

    def set_rules(self, user: Buffer | str, allow: str | Sequence[str] = (), deny: str | Sequence[str] = ()) -> None:
        """From now on this user may hear these subjects, also when it comes back.

        Where the program is asked, it is then asked again. What is not allowed any more does not leave after this returns.
        """
        super().set_rules(user, allow, deny)

    def __iter__(self) -> Iterator[PublisherEvent]:
        """Events, until the publisher is closed."""
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

    def __repr__(self) -> str:
        return f"<zpatterns.pubsub.Publisher at {self.endpoint}{' closed' if self.closed else ''}>"


class Subscriber(_native.Subscriber):
    """Hears what it asks for; threads may share it. Iterating it gives publications and events until it is closed.

    A publication is *taken* when the program was given it: that is what counts when the publisher finds out who is slow.
    """

    def __new__(
        cls, publisher: str, *, context: Context | None = None, **options: Unpack[SubscriberOptions]
    ) -> Self:
        """A subscriber of the publisher at this endpoint, in ``context`` or the default one. It connects in the background."""
        return super().__new__(cls, publisher, context or Context.default(), options)

    def subscribe(
        self, pattern: str | None = None, *, prefix: Buffer | str | None = None, **options: Unpack[SubscriptionOptions]
    ) -> int:
        """Asks for subjects, by a pattern (``*`` is one level, ``>`` all that follow) or a prefix; returns its number.

        :class:`Subscribed` comes before the first of it, or :class:`Rejected`.
        """
        return self.subscribe_to(pattern, prefix, options)

    def __iter__(self) -> Iterator[Event]:
        """Publications and events, until the subscriber is closed."""
        try:
            while True:
                yield self.recv()
        except Closed:
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<zpatterns.pubsub.Subscriber{' closed' if self.closed else ''}>"
