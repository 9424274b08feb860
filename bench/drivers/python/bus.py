"""A bus: receives what the driver in Rust sends.

    driver.py zpatterns|zpatterns-asyncio bus-recv|bus-latency ENDPOINT SIZE COUNT

A receiver prints `ready` when it hears anything. It ends after COUNT messages of SIZE bytes, or when after the first nothing
came for a second; what is shorter is a greeting.
"""

import asyncio
import time

import zpatterns.aio
import zpatterns.bus
from zpatterns.bus import Message

from peers import say

SILENCE = 1.0  # Seconds.
# Inboxes that nothing fills, as the queues of the peer: who is slow is late, and drops nothing.
OPTIONS = {"subscribe": b"", "max_events": 100_000_000, "max_bytes": 4 << 30}


class Listener:
    """What was heard."""

    def __init__(self, clock, size, count):
        self.clock, self.size, self.count = clock, size, count
        self.received, self.is_greeted, self.latencies = 0, False, []

    def hear(self, events):
        """Counts what is there."""
        size = self.size
        heard = sum(1 for event in events if isinstance(event, Message) and len(event.frames[0]) == size)
        if heard and not self.received:
            self.clock.start()
        elif not heard:
            self.greeted()
        self.received += heard
        self.last = time.perf_counter()

    def hear_one(self, event):
        """Counts it, and how late it is."""
        if not isinstance(event, Message):
            return
        if len(event.frames[0]) != self.size:
            self.greeted()
            return
        if not self.received:
            self.clock.start()
        self.received += 1
        self.last = time.perf_counter()
        self.latencies.append(self.clock.since_due(event.frames[0]))

    def greeted(self):
        if not self.is_greeted:
            self.is_greeted = True
            say("ready")

    def waits(self):
        """Whether more is to come."""
        return self.received < self.count

    def report(self):
        self.clock.stop()
        self.clock.seconds = self.last - self.clock.began
        self.clock.report(self.received, self.latencies)


def receive(endpoint, listener, each):
    with zpatterns.bus.Bus(endpoint, **OPTIONS) as bus:
        take, hear = (bus.recv, listener.hear_one) if each else (bus.recv_many, listener.hear)
        while listener.waits():
            try:
                hear(take(timeout=SILENCE))
            except zpatterns.Timeout:
                if listener.received:
                    break
        listener.report()


def receive_asyncio(endpoint, listener, each):
    async def main():
        async with zpatterns.aio.Bus(endpoint, **OPTIONS) as bus:
            take, hear = (bus.recv, listener.hear_one) if each else (bus.recv_many, listener.hear)

            async def receive_all():
                while listener.waits():
                    hear(await take())

            ends = [asyncio.ensure_future(receive_all()), asyncio.ensure_future(silence(listener))]
            done, pending = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in pending:
                end.cancel()
            for end in done:
                end.result()
            listener.report()

    asyncio.run(main())


async def silence(listener):
    """Ends when nothing came for a while; a deadline of every single wait would be what is measured."""
    before = 0
    while not before or listener.received > before:
        before = listener.received
        await asyncio.sleep(SILENCE)


RECEIVERS = {"zpatterns": receive, "zpatterns-asyncio": receive_asyncio}
EACH = {"bus-recv": False, "bus-latency": True}


def main(clock, implementation, workload, endpoint, size, count):
    """Receives; None if there is no such way."""
    if implementation not in RECEIVERS or workload not in EACH:
        return None
    return RECEIVERS[implementation](endpoint, Listener(clock, int(size), int(count)), EACH[workload]) or workload
