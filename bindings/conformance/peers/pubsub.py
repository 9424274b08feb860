"""Publish-subscribe in the peer, with blocking calls or with asyncio."""

import asyncio
import threading
import time

import zpatterns
from bus import numbered, until
from words import line, seconds, split, tohex, unhex
from zpatterns import aio, pubsub


def happened(event):
    match event:
        case pubsub.Asked(ask, identity, user, credential):
            kind, named, secret = "none", b"", b""
            match credential:
                case pubsub.Password(named, secret):
                    kind = "password"
                case pubsub.Token(secret):
                    kind = "token"
            return (
                f"kind=asked ask={ask} identity={tohex(identity)} user={tohex(user)} credential={kind} "
                f"credential_user={tohex(named)} secret={tohex(secret)}"
            )
    return f"kind={type(event).__name__.lower()} identity={tohex(event.identity)} user={tohex(event.user)}"


def shown(event):
    kind = type(event).__name__.lower()
    match event:
        case pubsub.Message(subscription, stream, number, subject, frames):
            return (
                f"kind={kind} subscription={subscription} stream={stream} number={number} subject={subject} "
                f"frames={line(frames, ',')}"
            )
        case pubsub.Missed(subscription, stream, first, last, count, reason):
            return (
                f"kind={kind} subscription={subscription} stream={stream} first={first} last={last} count={count} "
                f"reason={reason}"
            )
        case pubsub.Rejected(subscription, error):
            text = str(error).encode()
            return f"kind={kind} subscription={subscription} error={type(error).__name__} text={tohex(text)}"
        case pubsub.Subscribed(subscription):
            return f"kind={kind} subscription={subscription}"
    return f"kind={kind}"


class Heard:
    """Whether a stream goes on as it should, up to the last message or a gap that reaches it."""

    def __init__(self, first):
        self.next = first
        self.messages = self.wrong = self.missed = self.unexplained = 0
        self.restarted = self.subscribed = self.rejected = 0
        # The next number of the stream, once one came.
        self._due = None

    def take(self, event):
        match event:
            case pubsub.Message(number=number, frames=frames):
                self.unexplained += self._due not in (None, number)
                self._due = number + 1
                if frames[0].isdigit() and frames == numbered(int(frames[0])):
                    self.messages, self.next = self.messages + 1, int(frames[0]) + 1
                else:
                    self.wrong += 1
            case pubsub.Missed(first=first, last=last, count=count):
                self.unexplained += self._due not in (None, first)
                self._due, self.missed = last + 1, self.missed + count
                self.next = max(self.next, last + 1)
            case pubsub.Restarted():
                self._due, self.restarted = None, self.restarted + 1
            case pubsub.Subscribed():
                self.subscribed += 1
            case pubsub.Rejected():
                self.rejected += 1

    def __str__(self):
        names = ("messages", "wrong", "missed", "unexplained", "restarted", "subscribed", "rejected")
        return " ".join(f"{name}={getattr(self, name)}" for name in names)


class Awaited:
    """Counts the subscriptions that are there."""

    def __init__(self, number):
        self.left = number

    def take(self, event):
        if isinstance(event, pubsub.Subscribed):
            self.left -= 1
        elif not isinstance(event, pubsub.Connected):
            raise zpatterns.InvalidArgument("only subscriptions are expected")


def rules(options):
    return {name: [pattern] for name, pattern in split(options)[0].items()}


class Market:
    """Commands, as those of Peer."""

    Publisher, Subscriber = pubsub.Publisher, pubsub.Subscriber

    def open_market(self):
        self.publishers, self.subscribers = {}, {}

    def close_market(self):
        for publisher in self.publishers.values():
            publisher.close(0)
        for subscriber in self.subscribers.values():
            subscriber.close()
        self.open_market()

    def do_publisher(self, name, endpoint, *options):
        options = split(options)[0]
        stream = {key: options.pop(key) for key in ("history", "history_age", "disk_bytes", "last_values") if key in options}
        streams = [pubsub.Stream(name="main", **stream)]
        if public := options.pop("public", None):
            streams.insert(0, pubsub.Stream(name="news", subjects=[public], public=True, **stream))
        for path in ("shared", "plain"):
            if options.pop(path, False):
                options[path] = "tcp://127.0.0.1:0"
        self.publishers[name] = self.Publisher(endpoint, streams=streams, **options)
        return self.publishers[name].endpoint

    def do_publish(self, name, subject, timeout, *frames):
        self.publishers[name].publish(subject, [unhex(frame) for frame in frames], seconds(timeout))

    def do_publish_many(self, name, subject, first, last, timeout):
        rest = [(subject, numbered(number)) for number in range(int(first), int(last) + 1)]
        end = time.monotonic() + seconds(timeout)
        while rest:
            del rest[: self.publishers[name].publish_many(rest, until(end))]

    def do_publisher_event(self, name, timeout):
        return happened(self.publishers[name].next(seconds(timeout)))

    def do_admit(self, name, ask, user, *options):
        self.publishers[name].admit(int(ask), unhex(user), **rules(options))

    def do_refuse(self, name, ask, text):
        self.publishers[name].refuse(int(ask), unhex(text).decode())

    def do_entitle(self, name, text):
        self.publishers[name].set_entitlements(unhex(text))

    def do_set_rules(self, name, user, *options):
        self.publishers[name].set_rules(unhex(user), **rules(options))

    def do_expel(self, name, identity, text):
        self.publishers[name].expel(unhex(identity), unhex(text).decode())

    def do_publisher_counters(self, name):
        return " ".join(f"{key}={count}" for key, count in self.publishers[name].counters().items())

    def do_subscribers(self, name):
        known = self.publishers[name].subscribers()
        sums = {key: sum(row[key] for row in known) for key in ("connected", "accepted", "delivered", "held")}
        lost = sum(count for row in known for key, count in row.items() if key.startswith("lost_"))
        return f"number={len(known)} lost={lost} " + " ".join(f"{key}={count}" for key, count in sums.items())

    def do_plain_endpoint(self, name):
        return self.publishers[name].plain_endpoint

    def do_open_plain(self, name, user, endpoint):
        return self.publishers[name].open_plain(unhex(user), endpoint)

    def do_close_plain(self, name, endpoint):
        self.publishers[name].close_plain(endpoint)

    def do_publisher_close(self, name, linger):
        self.publishers[name].close(seconds(linger))

    def do_subscriber(self, name, endpoint, *options):
        self.subscribers[name] = self.Subscriber(endpoint, **split(options)[0])
        return self.subscribers[name].endpoint or "-"

    def do_want(self, name, criterion, *options):
        options = split(options)[0]
        if options.pop("prefix", False):
            return str(self.subscribers[name].subscribe(prefix=unhex(criterion), **options))
        return str(self.subscribers[name].subscribe(unhex(criterion).decode(), **options))

    def do_want_many(self, name, number, timeout):
        awaited, end = Awaited(int(number)), time.monotonic() + seconds(timeout)
        for index in range(int(number)):
            self.subscribers[name].subscribe(f"many.{index}")
        while awaited.left:
            awaited.take(self.subscribers[name].recv(until(end)))

    def do_want_no_more(self, name, number):
        self.subscribers[name].unsubscribe(int(number))

    def do_listen(self, name, timeout):
        return shown(self.subscribers[name].recv(seconds(timeout)))

    def do_listen_many(self, name, first, last, timeout):
        heard, end = Heard(int(first)), time.monotonic() + seconds(timeout)
        while heard.next <= int(last):
            heard.take(self.subscribers[name].recv(until(end)))
        return str(heard)

    def do_cancel_listen(self, name):
        cancel = zpatterns.Cancel()
        thread = threading.Thread(target=cancel.cancel)
        thread.start()
        try:
            return shown(self.subscribers[name].recv(cancel=cancel))
        finally:
            thread.join()

    def do_subscriber_counters(self, name):
        return " ".join(f"{key}={count}" for key, count in self.subscribers[name].counters().items())

    def do_subscriber_close(self, name):
        self.subscribers[name].close()


class AsyncMarket(Market):
    Publisher, Subscriber = aio.Publisher, aio.Subscriber

    async def do_publish(self, name, subject, timeout, *frames):
        published = self.publishers[name].publish(subject, [unhex(frame) for frame in frames])
        await asyncio.wait_for(published, seconds(timeout))

    async def do_publish_many(self, name, subject, first, last, timeout):
        all = [(subject, numbered(number)) for number in range(int(first), int(last) + 1)]
        await asyncio.wait_for(self.publishers[name].publish_many(all), seconds(timeout))

    async def do_publisher_event(self, name, timeout):
        return happened(await asyncio.wait_for(self.publishers[name].next(), seconds(timeout)))

    async def do_want_many(self, name, number, timeout):
        awaited = Awaited(int(number))
        for index in range(int(number)):
            self.subscribers[name].subscribe(f"many.{index}")

        async def follow():
            while awaited.left:
                awaited.take(await self.subscribers[name].recv())

        await asyncio.wait_for(follow(), seconds(timeout))

    async def do_listen(self, name, timeout):
        return shown(await asyncio.wait_for(self.subscribers[name].recv(), seconds(timeout)))

    async def do_listen_many(self, name, first, last, timeout):
        heard = Heard(int(first))

        async def follow():
            while heard.next <= int(last):
                heard.take(await self.subscribers[name].recv())

        await asyncio.wait_for(follow(), seconds(timeout))
        return str(heard)

    async def do_cancel_listen(self, name):
        task = asyncio.ensure_future(self.subscribers[name].recv())
        asyncio.get_running_loop().call_soon(task.cancel)
        return shown(await task)
