"""Publish-subscribe in an event loop."""

import asyncio

import pytest
from test_pubsub import ALICE, STREAMS, numbers

import zpatterns
from zpatterns import aio
from zpatterns.pubsub import Asked, Connected, Joined, Message, Rejected, Subscribed


def run(main):
    return asyncio.run(asyncio.wait_for(main(), 60))


def publisher(**options):
    return aio.Publisher("tcp://127.0.0.1:0", **{"streams": STREAMS, "shared": "tcp://127.0.0.1:0", **options})


async def subscribed(subscriber, pattern, **options):
    subscription = subscriber.subscribe(pattern, **options)
    while await subscriber.recv() != Subscribed(subscription):
        pass
    return subscription


async def heard(subscriber, count):
    messages = []
    while len(messages) < count:
        messages += await subscriber.recv_many(count - len(messages))
    assert all(isinstance(message, Message) for message in messages), messages
    return [message.frames[0] for message in messages]


@pytest.mark.parametrize("subject", ["news.a", "x.y"])
def test_everything_arrives_and_who_holds_is_waited_for(subject):
    async def main():
        async with publisher() as pub, aio.Subscriber(pub.endpoint) as sub:
            await subscribed(sub, subject, slow="hold", max_messages=500)
            sent = asyncio.create_task(pub.publish_many([(subject, number) for number in numbers(10_000)]))
            assert await heard(sub, 10_000) == numbers(10_000)
            await sent
            for number in range(3):
                await pub.publish(subject, b"%d" % number)
            assert await heard(sub, 3) == numbers(3)

    run(main)


def test_publishing_waits_and_can_be_cancelled():
    async def main():
        async with publisher() as pub, aio.Subscriber(pub.endpoint) as sub:
            await subscribed(sub, "x.>", slow="hold", max_messages=10)
            await pub.publish_many([("x.y", number) for number in numbers(10)])
            assert not pub.try_publish("x.y", b"10")
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(pub.publish("x.y", b"10"), 0.02)
            waiting = asyncio.create_task(pub.publish("x.y", b"10"))
            assert await heard(sub, 11) == numbers(11)
            await waiting

    run(main)


def test_events_of_a_publisher():
    async def main():
        async with publisher(ask=30, news=True) as pub:
            async with aio.Subscriber(pub.endpoint, token="eve") as eve:
                async for event in pub:
                    match event:
                        case Asked(ask=ask):
                            pub.admit(ask, "eve", allow=["x.>"])
                        case Joined(user=user):
                            assert user == b"eve"
                            break
                assert await eve.recv() == Connected()
                await subscribed(eve, "x.>")
                pub.set_rules("eve", allow="x.>")
                pub.close_plain(pub.open_plain("eve", "tcp://127.0.0.1:0"))
                pub.set_rules("eve")
                while not isinstance(event := await eve.recv(), Rejected):
                    pass
            async with aio.Subscriber(pub.endpoint, token="bob") as bob:
                while not isinstance(event := await pub.next(), Asked):
                    pass
                pub.refuse(event.ask, "no")
                for _ in range(2):
                    with pytest.raises(zpatterns.PermissionDenied):
                        await bob.recv()

    run(main)


def test_who_is_disconnected_is_told():
    async def main():
        async with publisher() as pub, aio.Subscriber(pub.endpoint) as sub:
            await subscribed(sub, "x.>", slow="disconnect", max_messages=10)
            await pub.publish_many([("x.y", number) for number in numbers(20)])
            with pytest.raises(zpatterns.Full):
                async for event in sub:
                    assert isinstance(event, Message)
            with pytest.raises(zpatterns.Full):
                await sub.recv()

    run(main)


def test_closing_ends_every_wait():
    async def main():
        pub = publisher(entitlements=ALICE)
        sub = aio.Subscriber(pub.endpoint, user="alice", password="secret")
        await subscribed(sub, "x.>")
        receiving = asyncio.create_task(sub.recv())
        waiting = asyncio.create_task(pub.next())
        await asyncio.sleep(0)
        sub.close()
        pub.close(0)
        for task in (receiving, waiting):
            with pytest.raises(zpatterns.Closed):
                await task
        assert [event async for event in sub] == []
        assert sub.closed
        assert pub.closed

    run(main)
