"""Fan-out: subscribers to what another program publishes, all of them in this process.

    driver.py IMPL fan-subscribe ENDPOINT SIZE COUNT SUBSCRIBERS
    driver.py IMPL fan-latency ENDPOINT SIZE COUNT 1 [SHARED]     notes how late each is; where the shared path is
    driver.py IMPL fan-publish ENDPOINT SIZE COUNT SUBSCRIBERS    see fan_publish.py

It prints `ready` when all have heard a greeting, which is shorter than a message that counts. It ends after COUNT messages of
SIZE bytes for each of them, or when after the first nothing came for a second; then it prints a line of JSON.
"""

import asyncio
import threading
import time

import fan_publish
from peers import say

SILENCE = 1.0  # Seconds.
SUBJECT = "bench"
TURN = 1000  # As many are taken from one before it is another's turn, where one thread serves all.


class Tally:
    """What all of them heard; with `latencies`, also how late each was, of one whose shared path may be somewhere else."""

    def __init__(self, clock, size, count, subscribers, latencies=None, shared=None):
        self.clock, self.size, self.wanted = clock, size, count * subscribers
        self.latencies, self.shared = latencies, shared
        self.received, self.greeted, self.subscribers = 0, set(), subscribers
        self.lock = threading.Lock()

    def hear(self, number, messages):
        """Counts payloads that a subscriber got."""
        size, heard = self.size, 0
        for message in messages:
            if len(message) == size:
                heard += 1
        self.count(number, heard, len(messages))

    def hear_events(self, number, events, message):
        """Counts what ours got, of which those of the class `message` are publications."""
        size, heard, messages = self.size, 0, 0
        for event in events:
            if type(event) is message:
                messages += 1
                if len(event.frames[0]) == size:
                    heard += 1
                    if self.latencies is not None:
                        self.latencies.append(self.clock.since_due(event.frames[0]))
        self.count(number, heard, messages)

    def count(self, number, heard, messages):
        if heard and not self.received:
            self.clock.start()
        elif not heard and messages:
            self.greet(number)
        self.received += heard
        self.last = time.perf_counter()

    def greet(self, number):
        before = len(self.greeted)
        self.greeted.add(number)
        if before < len(self.greeted) == self.subscribers:
            say("ready")

    def waits(self):
        """Whether more is to come."""
        return self.received < self.wanted

    def report(self):
        self.clock.stop()
        self.clock.seconds = self.last - self.clock.began
        self.clock.report(self.received, self.latencies)


def ours(endpoint, tally):
    """Blocking: a thread for each, as threads are for what blocks."""
    from zpatterns import Timeout
    from zpatterns.pubsub import Message, Subscriber

    subscribers = [Subscriber(endpoint, shared=tally.shared) for _ in range(tally.subscribers)]
    for subscriber in subscribers:
        subscriber.subscribe(SUBJECT, slow="hold")

    def receive(number):
        subscriber = subscribers[number]
        while tally.waits():
            try:
                events = subscriber.recv_many(timeout=SILENCE)
            except Timeout:
                if tally.received and time.perf_counter() - tally.last > SILENCE / 2:
                    break
            else:
                with tally.lock:
                    tally.hear_events(number, events, Message)

    threads = [threading.Thread(target=receive, args=(number,)) for number in range(1, tally.subscribers)]
    for thread in threads:
        thread.start()
    receive(0)
    for thread in threads:
        thread.join()
    tally.report()
    for subscriber in subscribers:
        subscriber.close()


def ours_asyncio(endpoint, tally):
    from zpatterns import aio
    from zpatterns.pubsub import Message

    async def main():
        subscribers = [aio.Subscriber(endpoint, shared=tally.shared) for _ in range(tally.subscribers)]
        for subscriber in subscribers:
            subscriber.subscribe(SUBJECT, slow="hold")

        async def receive(number):
            recv_many = subscribers[number].recv_many
            while tally.waits():
                tally.hear_events(number, await recv_many(), Message)

        await until_over(tally, receive)
        tally.report()
        for subscriber in subscribers:
            subscriber.close()

    asyncio.run(main())


def pyzmq(endpoint, tally):
    """Blocking: who is alone receives, of several a poller says who has something."""
    import zmq

    with zmq.Context() as context:
        context.max_sockets = 4096
        numbers = {context.socket(zmq.SUB): number for number in range(tally.subscribers)}
        for socket in numbers:
            socket.linger = 0
            socket.rcvtimeo = int(SILENCE * 1000)
            socket.subscribe(b"")
            socket.connect(endpoint)
        (pyzmq_alone if len(numbers) == 1 else pyzmq_poll)(zmq, numbers, tally)
        tally.report()
        for socket in numbers:
            socket.close()


def pyzmq_alone(zmq, numbers, tally):
    (recv,) = (socket.recv for socket in numbers)
    while tally.waits():
        try:
            tally.hear(0, (recv(),))
        except zmq.Again:
            if tally.received:
                break


def pyzmq_poll(zmq, numbers, tally):
    poller = zmq.Poller()
    for socket in numbers:
        poller.register(socket, zmq.POLLIN)
    while tally.waits():
        ready = poller.poll(SILENCE * 1000)
        if not ready and tally.received:
            break
        for socket, _ in ready:
            recv, messages = socket.recv, []
            try:
                for _ in range(TURN):
                    messages.append(recv(zmq.DONTWAIT))
            except zmq.Again:
                pass
            tally.hear(numbers[socket], messages)


def pyzmq_asyncio(endpoint, tally):
    import zmq.asyncio

    async def main():
        with zmq.asyncio.Context() as context:
            context.max_sockets = 4096
            sockets = [context.socket(zmq.SUB) for _ in range(tally.subscribers)]
            for socket in sockets:
                socket.linger = 0
                socket.subscribe(b"")
                socket.connect(endpoint)

            async def receive(number):
                recv = sockets[number].recv
                while tally.waits():
                    tally.hear(number, (await recv(),))

            await until_over(tally, receive)
            tally.report()
            for socket in sockets:
                socket.close()

    asyncio.run(main())


def nats(endpoint, tally):
    """A connection and a callback for each."""
    import nats

    async def main():
        done = asyncio.Event()

        async def open_one(number):
            async def heard(message):
                tally.hear(number, (message.data,))
                if not tally.waits():
                    done.set()

            connection = await nats.connect(f"nats://{endpoint}")
            await connection.subscribe(SUBJECT, cb=heard)
            return connection

        connections = [await open_one(number) for number in range(tally.subscribers)]
        ends = [asyncio.ensure_future(done.wait()), asyncio.ensure_future(silence(tally))]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        tally.report()
        for connection in connections:
            await connection.close()

    asyncio.run(main())


async def until_over(tally, receive):
    """Lets a task receive for each, until all came or nothing more does."""

    async def all_of_them():
        tasks = [asyncio.ensure_future(receive(number)) for number in range(tally.subscribers)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        # The last message of all ends one of them; the others wait for what does not come.
        for task in tasks:
            if task.done():
                task.result()
            else:
                task.cancel()

    ends = [asyncio.ensure_future(all_of_them()), asyncio.ensure_future(silence(tally))]
    done, pending = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in pending:
        end.cancel()
    for end in done:
        end.result()


async def silence(tally):
    """Ends when nothing came for a while; a deadline of every single wait would be what is measured."""
    before = 0
    while not before or tally.received > before:
        before = tally.received
        await asyncio.sleep(SILENCE)


SUBSCRIBERS = {
    "zpatterns": ours,
    "zpatterns-asyncio": ours_asyncio,
    "pyzmq": pyzmq,
    "pyzmq-asyncio": pyzmq_asyncio,
    "nats": nats,
}
WITH_LATENCIES = ("zpatterns", "zpatterns-asyncio")


def main(clock, implementation, role, endpoint, size, count, subscribers, shared=None):
    """Subscribes or publishes; None if there is no such way."""
    load = (clock, int(size), int(count), int(subscribers))
    if role == "fan-publish" and implementation in fan_publish.PUBLISHERS:
        fan_publish.PUBLISHERS[implementation](endpoint, fan_publish.Load(*load))
    elif role == "fan-subscribe" and implementation in SUBSCRIBERS:
        SUBSCRIBERS[implementation](endpoint, Tally(*load))
    elif role == "fan-latency" and implementation in WITH_LATENCIES:
        SUBSCRIBERS[implementation](endpoint, Tally(*load, latencies=[], shared=shared))
    else:
        return None
    return role
