"""Fan-out: publishes to subscribers of the driver in Rust, or libzmq's to SUBs in C.

    driver.py IMPL fan-publish ENDPOINT SIZE COUNT SUBSCRIBERS

It prints `endpoint ...` and greets, with messages of one byte, until a line comes; then it publishes COUNT messages of SIZE bytes,
as fast as all who subscribe can follow, stays as long as its input, and prints a line of JSON.
"""

import asyncio
import select
import sys

from peers import say

BATCH = 500
SUBJECT = "bench"
OPTIONS = {"streams": [{"name": "main", "public": True}], "shared": "tcp://127.0.0.1:0"}


class Load:
    """What is to be published."""

    def __init__(self, clock, size, count, subscribers):
        self.clock, self.message, self.count = clock, b"x" * size, count
        # Many who just come must not be greeted more often than they can hear it.
        self.pause = -(-subscribers // 10) / 1000

    def batches(self):
        publication, left = (SUBJECT, self.message), self.count
        while left:
            batch = [publication] * min(left, BATCH)
            left -= len(batch)
            yield batch

    def is_told(self):
        """Whether there is a line to read; waits for it a little."""
        return bool(select.select([sys.stdin], [], [], self.pause)[0])

    def end(self):
        """Stays until nobody needs it."""
        sys.stdin.read()
        self.clock.stop()
        self.clock.report(self.count)


def ours(endpoint, load):
    from zpatterns.pubsub import Publisher

    with Publisher(endpoint, **OPTIONS) as publisher:
        say(f"endpoint {publisher.endpoint}")
        while True:
            publisher.publish(SUBJECT, b"x")
            if load.is_told():
                break
        load.clock.start()
        for batch in load.batches():
            publisher.publish_many(batch)
        load.end()


def ours_asyncio(endpoint, load):
    from zpatterns import aio

    async def main():
        async with aio.Publisher(endpoint, **OPTIONS) as publisher:
            say(f"endpoint {publisher.endpoint}")
            while True:
                await publisher.publish(SUBJECT, b"x")
                if load.is_told():
                    break
            load.clock.start()
            for batch in load.batches():
                await publisher.publish_many(batch)
            load.end()

    asyncio.run(main())


def bound(zmq, context, endpoint):
    """An XPUB that waits for who is slow."""
    socket = context.socket(zmq.XPUB)
    socket.linger = 0
    socket.set(zmq.XPUB_NODROP, 1)
    socket.bind(endpoint)
    say(f"endpoint {socket.last_endpoint.decode()}")
    return socket


def pyzmq(endpoint, load):
    import zmq

    with zmq.Context() as context, bound(zmq, context, endpoint) as socket:
        send, message = socket.send, load.message
        while True:
            send(b"x")
            if load.is_told():
                break
        load.clock.start()
        for _ in range(load.count):
            send(message)
        load.end()


def pyzmq_asyncio(endpoint, load):
    import zmq.asyncio

    async def main():
        with zmq.asyncio.Context() as context, bound(zmq, context, endpoint) as socket:
            send, message = socket.send, load.message
            while True:
                await send(b"x")
                if load.is_told():
                    break
            load.clock.start()
            for _ in range(load.count):
                # It cannot be awaited that a slow subscriber has room; who waits is to ask again.
                while True:
                    try:
                        await send(message)
                        break
                    except zmq.Again:
                        await asyncio.sleep(0)
            load.end()

    asyncio.run(main())


PUBLISHERS = {
    "zpatterns": ours,
    "zpatterns-asyncio": ours_asyncio,
    "pyzmq": pyzmq,
    "pyzmq-asyncio": pyzmq_asyncio,
}
