"""Publish-subscribe, blocking."""

import contextlib
import threading

import pytest

import zpatterns
from zpatterns import pubsub
from zpatterns.pubsub import (
    Asked,
    Connected,
    Joined,
    Left,
    Message,
    Missed,
    Password,
    Publisher,
    Rejected,
    Stream,
    Subscribed,
    Subscriber,
    Token,
)

STREAMS = [Stream(name="news", subjects=["news.>"], public=True), Stream(name="rest")]
ALICE = """
user
    alice
        password = secret
        allow = x.>
        deny = x.z
"""


def publisher(**options):
    return Publisher("tcp://127.0.0.1:0", **{"streams": STREAMS, "shared": "tcp://127.0.0.1:0", **options})


def subscribed(subscriber, pattern, **options):
    """Subscribes, and waits until it is so."""
    subscription = subscriber.subscribe(pattern, **options)
    while (event := subscriber.recv(10)) != Subscribed(subscription):
        assert event == Connected()
    return subscription


def heard(subscriber, count):
    """The first frames of so many messages; nothing else may come."""
    messages = []
    while len(messages) < count:
        messages += subscriber.recv_many(count - len(messages), timeout=10)
    assert all(isinstance(message, Message) for message in messages), messages
    return [message.frames[0] for message in messages]


def numbers(count):
    return [b"%d" % number for number in range(count)]


@pytest.mark.parametrize(
    ("subject", "options"), [("news.a", {}), ("x.y", {}), ("x.y", {"endpoint": "tcp://127.0.0.1:0"})]
)
def test_everything_arrives_in_order_on_every_path(subject, options):
    with publisher() as pub, Subscriber(pub.endpoint, **options) as sub:
        assert (sub.endpoint is None) == (not options)
        subscribed(sub, subject, slow="hold", max_messages=500)
        sent = threading.Thread(target=pub.publish_many, args=([(subject, number) for number in numbers(20_000)],))
        sent.start()
        assert heard(sub, 20_000) == numbers(20_000)
        sent.join()
        assert pub.counters()["published"] == 20_000
        [view] = [view for view in sub.views() if view["last"]]
        assert view["shared"] == (subject == "news.a")


def test_who_is_slow_and_drops_is_told_what():
    with publisher() as pub, Subscriber(pub.endpoint, max_messages=100) as sub:
        subscribed(sub, "x.>", max_messages=200)
        pub.publish_many([("x.y", number) for number in numbers(5000)])
        last = missed = 0
        while last < 5000:
            match sub.recv(10):
                case Message(number=number):
                    assert number == last + 1
                    last = number
                case Missed(first=first, last=to, count=count, reason="slow", stream="rest"):
                    assert (first, count) == (last + 1, to - last)
                    last, missed = to, missed + count
        assert missed > 0
        assert sub.counters()["missed"] == missed


def test_who_holds_makes_the_publisher_wait():
    with publisher() as pub, Subscriber(pub.endpoint) as sub:
        subscribed(sub, "x.>", slow="hold", max_messages=10)
        pub.publish_many([("x.y", number) for number in numbers(10)])
        assert not pub.try_publish("x.y", b"10")
        with pytest.raises(zpatterns.Timeout):
            pub.publish("x.y", b"10", timeout=0.02)
        waiting = threading.Thread(target=pub.publish, args=("x.y", b"10"))
        waiting.start()
        assert heard(sub, 11) == numbers(11)
        waiting.join()


def test_who_is_slow_and_is_to_be_disconnected_is_told():
    with publisher() as pub, Subscriber(pub.endpoint) as sub:
        subscribed(sub, "x.>", slow="disconnect", max_messages=10)
        pub.publish_many([("x.y", number) for number in numbers(20)])
        for _ in range(2):
            with pytest.raises(zpatterns.Full):
                while True:
                    sub.recv(10)
        assert pub.counters()["lost_slow"] > 0


def test_entitlements_say_who_may_hear_what_and_are_taken_back():
    with publisher(entitlements=ALICE) as pub:
        with Subscriber(pub.endpoint, user="alice", password="guess") as forger:
            for _ in range(2):
                with pytest.raises(zpatterns.PermissionDenied):
                    forger.recv(10)
        with Subscriber(pub.endpoint, user="alice", password="secret") as alice:
            subscribed(alice, "x.*")
            other = alice.subscribe("y.>")
            event = alice.recv(10)
            assert isinstance(event, Rejected)
            assert event.subscription == other
            assert isinstance(event.error, zpatterns.PermissionDenied)
            pub.publish("x.z", b"no")
            pub.publish("x.y", b"yes")
            assert heard(alice, 1) == [b"yes"]
            pub.set_rules("alice")
            while not isinstance(event := alice.recv(10), Rejected):
                assert event == Connected()
            pub.set_entitlements("")
            with pytest.raises(zpatterns.PermissionDenied):
                alice.recv(10)


def test_the_program_decides_who_is_let_in_and_hears_who_comes_and_goes():
    with publisher(ask=30, news=True) as pub:
        with Subscriber(pub.endpoint, token="bob") as bob:
            asked = pub.next(10)
            assert isinstance(asked, Asked)
            assert asked.credential == Token(b"bob")
            assert "bob" not in repr(asked.credential)
            pub.refuse(asked.ask, "not you")
            with pytest.raises(zpatterns.PermissionDenied, match="not you"):
                bob.recv(10)
        with Subscriber(pub.endpoint, user="eve", password="x", name="the-eve") as eve:
            match pub.next(10):
                case Asked(ask, b"the-eve", b"", Password(b"eve", b"x")):
                    pub.admit(ask, "eve", allow=["x.>"])
            assert pub.next(10) == Joined(b"the-eve", b"eve")
            subscribed(eve, "x.>")
            assert [known["user"] for known in pub.subscribers()] == [b"eve"]
            pub.expel(b"the-eve", "go")
            with pytest.raises(zpatterns.PermissionDenied, match="go"):
                eve.recv(10)
            assert pub.next(10) == Left(b"the-eve", b"eve")


def test_who_comes_late_gets_what_it_asks_for():
    with publisher() as pub, Subscriber(pub.endpoint) as sub:
        for subject in ("x.a", "x.b"):
            pub.publish_many([(subject, number) for number in numbers(100)])
        subscribed(sub, "x.>", start="last-values")
        assert heard(sub, 2) == [b"99", b"99"]
        subscribed(sub, "x.b", last=3)
        assert heard(sub, 3) == [b"97", b"98", b"99"]


def test_plain_sockets_hear_what_is_public():
    with publisher(plain="tcp://127.0.0.1:0") as pub, zpatterns.Socket("sub") as sub:
        sub.connect(pub.plain_endpoint)
        sub.subscribe(b"news.")
        while True:
            pub.publish("x.y", b"no")
            pub.publish("news.a", [b"one", b"two"])
            try:
                message = sub.recv_multipart(0.02)
            except zpatterns.Timeout:
                continue
            assert message == [b"news.a", b"one", b"two"]
            break


def test_plain_sockets_of_a_user_hear_what_it_may():
    anywhere, allow = "tcp://127.0.0.1:0", "user\n    alice\n        allow = x.>\n        deny = x.z\n"
    with publisher(entitlements=allow, max_plain=1) as pub, zpatterns.Socket("sub") as sub:
        with pytest.raises(zpatterns.PermissionDenied):
            pub.open_plain("bob", anywhere)
        with pytest.raises(zpatterns.InvalidEndpoint):
            pub.open_plain("alice", "nonsense")
        endpoint = pub.open_plain("alice", anywhere)
        with pytest.raises(zpatterns.Full):
            pub.open_plain(b"alice", anywhere)
        sub.connect(endpoint)
        sub.subscribe(b"")
        heard = []
        while not heard:
            pub.publish_many([("x.z", b"no"), ("y", b"no"), ("x.y", [b"one", b"two"])])
            with contextlib.suppress(zpatterns.Timeout):
                heard.append(sub.recv_multipart(0.02))
        pub.set_rules("alice", allow="y")
        pub.publish_many([("x.y", b"no more"), ("y", b"end")])
        while heard[-1] != [b"y", b"end"]:
            assert heard.pop() == [b"x.y", b"one", b"two"]
            heard.append(sub.recv_multipart(10))
        assert pub.counters()["plain_endpoints"] == 1
        assert pub.counters()["handed_over"] >= 2
        pub.close_plain(endpoint)
        with pytest.raises(zpatterns.NotFound):
            pub.close_plain(endpoint)


def test_closing_waits_for_those_who_are_connected():
    pub = publisher()
    with Subscriber(pub.endpoint) as sub:
        subscribed(sub, "x.>", slow="hold")
        pub.publish_many([("x.y", number) for number in numbers(5000)])
        pub.close(10)
        assert pub.closed
        assert heard(sub, 5000) == numbers(5000)
        with pytest.raises(zpatterns.Closed):
            pub.publish("x.y", b"late")
        assert pub.counters()["published"] == 5000


def test_prefixes_are_as_in_zeromq():
    with publisher() as pub, Subscriber(pub.endpoint) as sub:
        subscription = sub.subscribe(prefix=b"x.ab")
        while sub.recv(10) != Subscribed(subscription):
            pass
        for subject in ("x.ab", "x.abc", "x.a"):
            pub.publish(subject, subject.encode())
        pub.publish("x.abd", b"end")
        assert heard(sub, 3) == [b"x.ab", b"x.abc", b"end"]
        sub.unsubscribe(subscription)


@pytest.mark.parametrize(
    "options",
    [
        {"wrong": 1},
        {"streams": 3},
        {"streams": [{"name": "x", "wrong": 1}]},
        {"streams": [{"name": "x", "subjects": ["a..b"]}]},
        {"streams": []},
        {"entitlements": ALICE, "ask": 1},
        {"lease": 0.1},
        {"heartbeat_limit": 1},
        {"max_size": -1},
    ],
)
def test_options_of_a_publisher_are_checked(options):
    with pytest.raises(zpatterns.InvalidArgument):
        publisher(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"wrong": 1},
        {"user": "alice"},
        {"user": "alice", "password": "x", "token": "y"},
        {"name": ""},
        {"max_messages": 0},
        {"curve_server_key": "x"},
    ],
)
def test_options_of_a_subscriber_are_checked(options):
    with pytest.raises(zpatterns.InvalidArgument):
        Subscriber("tcp://127.0.0.1:1", **options)


@pytest.mark.parametrize(
    "options", [{"slow": "never"}, {"start": "then"}, {"start": "last-values", "last": 3}, {"max_messages": 0}]
)
def test_options_of_a_subscription_are_checked(options):
    with Subscriber("tcp://127.0.0.1:1") as sub, pytest.raises(zpatterns.InvalidArgument):
        sub.subscribe("x", **options)


def test_subjects_are_checked():
    with publisher() as pub:
        for subject in ("", "a.*", "a b"):
            with pytest.raises(zpatterns.InvalidArgument):
                pub.publish(subject, b"")
        with pytest.raises(zpatterns.TooLarge):
            pub.publish("x", bytes(17 << 20))
        with pytest.raises(TypeError):
            pub.publish("x", "text")
        with pytest.raises(zpatterns.InvalidArgument):
            Subscriber(pub.endpoint).subscribe()


def test_values_are_values():
    message = Message(1, "s", 2, "a.b", [b"x"])
    assert message == Message(1, "s", 2, "a.b", [b"x"])
    assert message != Message(1, "s", 3, "a.b", [b"x"])
    assert repr(message) == "Message(subscription=1, stream='s', number=2, subject='a.b', frames=[b'x'])"
    assert pubsub.Message.__module__ == "zpatterns.pubsub"


def test_who_is_cancelled_misses_nothing():
    with publisher() as pub, Subscriber(pub.endpoint) as sub:
        subscribed(sub, "x.>")
        cancel = zpatterns.Cancel()
        thread = threading.Timer(0.01, cancel.cancel)
        thread.start()
        with pytest.raises(zpatterns.Cancelled):
            sub.recv(cancel=cancel)
        thread.join()
        pub.publish("x.y", b"still")
        assert heard(sub, 1) == [b"still"]
