"""The multicast bus in the peer, with blocking calls or with asyncio."""

import asyncio
import threading
import time

import zpatterns
from words import line, seconds, unhex, value
from zpatterns import aio, bus

def numbered(number):
    """The frames of a message: its number, and bytes of a size that follows from it."""
    return [b"%d" % number, bytes([number % 256]) * (number * 7919 % 4000)]


def until(end):
    return max(end - time.monotonic(), 0)


def shown(event):
    kind = type(event).__name__.lower()
    match event:
        case bus.Message(peer, frames):
            return f"kind={kind} peer={peer} frames={line(frames, ',')}"
        case bus.Missed(peer, first, last):
            return f"kind={kind} peer={peer} first={first} last={last}"
        case bus.Dropped(count):
            return f"kind={kind} count={count}"
    return f"kind={kind} peer={event.peer}"


class Stream:
    """Whether it goes on as it should."""

    def __init__(self, first):
        self.next = first
        self.messages = self.wrong = self.missed = self.dropped = self.unexplained = 0
        # What was said since the last message about those that do not come.
        self.holes = self.gap = 0

    def take(self, event):
        match event:
            case bus.Message(_, [number, _] as frames) if number.isdigit() and frames == numbered(int(number)):
                self.messages += 1
                if not self.holes:
                    self.unexplained += abs(int(number) - self.next - self.gap)
                self.next, self.holes, self.gap = int(number) + 1, 0, 0
            case bus.Message():
                self.wrong += 1
            case bus.Missed() | bus.Broken():
                self.missed, self.holes = self.missed + 1, self.holes + 1
            case bus.Dropped(count):
                self.dropped, self.gap = self.dropped + count, self.gap + count

    def __str__(self):
        names = ("messages", "wrong", "missed", "dropped", "unexplained")
        return " ".join(f"{name}={getattr(self, name)}" for name in names)


class Buses:
    """Commands, as those of Peer."""

    Bus = zpatterns.Bus

    def do_bus(self, name, endpoint, *options):
        pairs = (word.split("=", 1) for word in options)
        self.buses[name] = self.Bus(endpoint, **{key: value(key, word) for key, word in pairs})
        return self.buses[name].interface

    def do_bus_subscribe(self, name, prefix):
        self.buses[name].subscribe(unhex(prefix))

    def do_bus_unsubscribe(self, name, prefix):
        self.buses[name].unsubscribe(unhex(prefix))

    def do_say(self, name, timeout, *frames):
        self.buses[name].send([unhex(frame) for frame in frames], seconds(timeout))

    def do_say_many(self, name, first, last, timeout):
        end = time.monotonic() + seconds(timeout)
        for number in range(int(first), int(last) + 1):
            self.buses[name].send(numbered(number), until(end))

    def do_hear(self, name, timeout):
        return shown(self.buses[name].recv(seconds(timeout)))

    def do_hear_many(self, name, first, last, timeout):
        stream, end = Stream(int(first)), time.monotonic() + seconds(timeout)
        while stream.next <= int(last):
            stream.take(self.buses[name].recv(until(end)))
        return str(stream)

    def do_cancel_hear(self, name):
        cancel = zpatterns.Cancel()
        thread = threading.Thread(target=cancel.cancel)
        thread.start()
        try:
            return shown(self.buses[name].recv(cancel=cancel))
        finally:
            thread.join()

    def do_lose(self, name, fraction):
        self.buses[name].inject_loss(float(fraction))

    def do_bus_peers(self, name):
        peers = self.buses[name].peers()
        return f"number={len(peers)} delivered={sum(peer['delivered'] for peer in peers)}"

    def do_bus_counters(self, name):
        return " ".join(f"{key}={count}" for key, count in self.buses[name].counters().items())

    def do_bus_close(self, name, linger):
        self.buses[name].close(seconds(linger))


class AsyncBuses(Buses):
    Bus = aio.Bus

    async def do_say(self, name, timeout, *frames):
        await asyncio.wait_for(self.buses[name].send([unhex(frame) for frame in frames]), seconds(timeout))

    async def do_say_many(self, name, first, last, timeout):
        messages = map(numbered, range(int(first), int(last) + 1))
        await asyncio.wait_for(self.buses[name].send_many(messages), seconds(timeout))

    async def do_hear(self, name, timeout):
        return shown(await asyncio.wait_for(self.buses[name].recv(), seconds(timeout)))

    async def do_hear_many(self, name, first, last, timeout):
        stream = Stream(int(first))

        async def follow():
            while stream.next <= int(last):
                stream.take(await self.buses[name].recv())

        await asyncio.wait_for(follow(), seconds(timeout))
        return str(stream)

    async def do_cancel_hear(self, name):
        task = asyncio.ensure_future(self.buses[name].recv())
        asyncio.get_running_loop().call_soon(task.cancel)
        return shown(await task)
