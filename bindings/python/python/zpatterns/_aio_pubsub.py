"""Publish-subscribe for asyncio."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _native
from ._batches import BATCH, Batches
from ._context import Context
from ._notices import Notices
from ._receiving import Receiving
from .errors import Closed

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self, Unpack

    from .pubsub import Event, PublisherEvent, PublisherOptions, SubscriberOptions, SubscriptionOptions


class Publisher:
    """A :class:`zpatterns.pubsub.Publisher` for one event loop, with its constructor.

    ``await publish`` suspends only while somebody is waited for who is slow. Cancelling it loses nothing. It belongs to
    the loop that uses it first, until that loop is closed.
    """

    def __init__(
        self, endpoint: str, *, context: Context | None = None, **options: Unpack[PublisherOptions]
    ) -> None:
        """A publisher to which subscribers connect at ``endpoint``, as :class:`zpatterns.pubsub.Publisher`."""
        self._publisher = _native.Publisher(endpoint, context or Context.default(), options)
        self._notices = Notices(self._publisher)
        self._batches: Batches[PublisherEvent] = Batches(
            self._notices, lambda: self._publisher.take_events(BATCH)
        )
        self._taken = self._batches.taken

    @property
    def endpoint(self) -> str:
        """Where subscribers connect, with the port that the system chose."""
        return self._publisher.endpoint

    @property
    def shared_endpoint(self) -> str | None:
        """Where the shared path is. Subscribers are told."""
        return self._publisher.shared_endpoint

    @property
    def plain_endpoint(self) -> str | None:
        """Where plain SUB sockets connect."""
        return self._publisher.plain_endpoint

    async def publish(self, subject: str, frames: Buffer | Sequence[Buffer]) -> None:
        """Publishes: from now on it is the publisher's to see that each subscriber gets it, or is told."""
        if not self._publisher.try_publish(subject, frames):
            await self._notices.until_sent(functools.partial(self._publisher.try_publish, subject, frames))

    async def publish_many(self, publications: Iterable[tuple[str, Buffer | Sequence[Buffer]]]) -> None:
        """Publishes several, in order, which costs less. If it is cancelled, some may have been published."""
        await self._notices.send_all(self._publisher.try_publish_many, list(publications))

    def try_publish(self, subject: str, frames: Buffer | Sequence[Buffer]) -> bool:
        """Publishes if there is room now, and returns whether there was."""
        return self._publisher.try_publish(subject, frames)

    async def next(self) -> PublisherEvent:
        """What happened next."""
        if not self._taken:
            await self._batches.refill()
        return self._taken.popleft()

    def __aiter__(self) -> Self:
        """Events, until the publisher is closed."""
        return self

    async def __anext__(self) -> PublisherEvent:
        try:
            return await self.next()
        except Closed:
            raise StopAsyncIteration from None

    def admit(
        self, ask: int, user: Buffer | str, allow: str | Sequence[str] = (), deny: str | Sequence[str] = ()
    ) -> None:
        """Lets somebody in, as :meth:`zpatterns.pubsub.Publisher.admit`."""
        self._publisher.admit(ask, user, allow, deny)

    def refuse(self, ask: int, text: str) -> None:
        """Does not let somebody in, and says why."""
        self._publisher.refuse(ask, text)

    def set_entitlements(self, text: Buffer | str) -> None:
        """From now on this is who may hear what, as :meth:`zpatterns.pubsub.Publisher.set_entitlements`."""
        self._publisher.set_entitlements(text)

    def set_rules(self, user: Buffer | str, allow: str | Sequence[str] = (), deny: str | Sequence[str] = ()) -> None:
        """From now on this user may hear these subjects, as :meth:`zpatterns.pubsub.Publisher.set_rules`."""
        self._publisher.set_rules(user, allow, deny)

    def open_plain(self, user: Buffer | str, endpoint: str) -> str:
        """Opens an endpoint for plain SUB sockets of a user, as :meth:`zpatterns.pubsub.Publisher.open_plain`."""
        return self._publisher.open_plain(user, endpoint)

    def close_plain(self, endpoint: str) -> None:
        """Closes what :meth:`open_plain` opened."""
        self._publisher.close_plain(endpoint)

    def expel(self, identity: Buffer | str, text: str) -> None:
        """Forgets this subscriber and what is for it; if it is connected it is told why."""
        self._publisher.expel(identity, text)

    def counters(self) -> dict[str, int]:
        """What it did so far, by name, as :meth:`zpatterns.pubsub.Publisher.counters`; after ``close``, the last."""
        return self._publisher.counters()

    def subscribers(self) -> list[dict[str, Any]]:
        """Who is known, as :meth:`zpatterns.pubsub.Publisher.subscribers`."""
        return self._publisher.subscribers()

    @property
    def closed(self) -> bool:
        """Whether the publisher is closed, by itself or with its context."""
        return self._publisher.closed

    def close(self, linger: float | None = None) -> None:
        """Closes the publisher, from any thread; the thread waits as in :meth:`zpatterns.pubsub.Publisher.close`.

        Every wait ends with ``Closed``. Closing twice is fine. Leaving ``async with`` waits, too, but not the loop.
        """
        self._publisher.close(linger)
        self._notices.ended(self._taken.clear)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    def __repr__(self) -> str:
        return f"<zpatterns.aio.Publisher at {self.endpoint}{' closed' if self.closed else ''}>"


class Subscriber(Receiving["Event"]):
    """A :class:`zpatterns.pubsub.Subscriber` for one event loop, with its constructor.

    ``await recv`` suspends only while nothing has arrived; cancelling it loses nothing. A publication counts as taken when
    it was fetched for this loop, up to a batch before the task that receives it. It belongs to the loop that uses it
    first, until that loop is closed.

    >>> async def main():
    ...     async with Subscriber("tcp://127.0.0.1:5570") as subscriber:
    ...         subscriber.subscribe("ticks.>")
    ...         async for event in subscriber:
    ...             print(event)
    """

    def __init__(
        self, publisher: str, *, context: Context | None = None, **options: Unpack[SubscriberOptions]
    ) -> None:
        """A subscriber of the publisher at this endpoint, as :class:`zpatterns.pubsub.Subscriber`."""
        self._subscriber = _native.Subscriber(publisher, context or Context.default(), options)
        self._notices = Notices(self._subscriber)
        super().__init__(self._notices, self._subscriber.drain)

    @property
    def endpoint(self) -> str | None:
        """The endpoint that it has bound, if it has one, with the port that the system chose."""
        return self._subscriber.endpoint

    def subscribe(
        self, pattern: str | None = None, *, prefix: Buffer | str | None = None, **options: Unpack[SubscriptionOptions]
    ) -> int:
        """Asks for subjects, as :meth:`zpatterns.pubsub.Subscriber.subscribe`."""
        return self._subscriber.subscribe_to(pattern, prefix, options)

    def unsubscribe(self, subscription: int) -> None:
        """Wants that no more. What is here of it already still comes."""
        self._subscriber.unsubscribe(subscription)

    def counters(self) -> dict[str, int]:
        """What it got so far, by name, as :meth:`zpatterns.pubsub.Subscriber.counters`; after ``close``, the last."""
        return self._subscriber.counters()

    def views(self) -> list[dict[str, Any]]:
        """How far each subscription is, by stream."""
        return self._subscriber.views()

    @property
    def closed(self) -> bool:
        """Whether the subscriber is closed, by itself or with its context."""
        return self._subscriber.closed

    def close(self) -> None:
        """Says goodbye, from any thread. Every wait ends with ``Closed``. Closing twice is fine."""
        self._subscriber.close()
        self._notices.ended(self._taken.clear)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    def __repr__(self) -> str:
        return f"<zpatterns.aio.Subscriber{' closed' if self.closed else ''}>"
