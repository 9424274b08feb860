"""One side of a benchmark, in Python: ours and pyzmq's.

    driver.py IMPL WORKLOAD ENDPOINT SIZE COUNT
    driver.py IMPL ROLE ENDPOINT SIZE COUNT OUTSTANDING [STORE]     see reqrep.py
    driver.py IMPL bus-recv|bus-latency ENDPOINT SIZE COUNT         see bus.py
    driver.py IMPL jobs-ROLE ENDPOINT SIZE COUNT [DEPTH|STORE]      see jobs.py
    driver.py IMPL fan-ROLE ENDPOINT SIZE COUNT SUBSCRIBERS [SHARED] see fan.py

It connects to ENDPOINT, where a plain libzmq program is bound, moves COUNT messages of SIZE bytes after a warm-up of a
tenth of that, and prints one line of JSON: times, processor time and memory of this process, and for `rtt` and
`latency` how long each message took. An implementation that does not know a workload exits with status 2.
"""

import asyncio
import importlib
import json
import resource
import sys
import time

BATCH = 500
KINDS = {
    "send-each": "push",
    "send-many": "push",
    "recv-each": "pull",
    "recv-many": "pull",
    "rtt": "dealer",
    "latency": "pull",
}


def since_due(message):
    """Nanoseconds since a message was due; it begins with when that was, by the clock all processes share."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) - int.from_bytes(message[:8], "little")


class Clock:
    """What passed since the warm-up."""

    now = staticmethod(time.perf_counter_ns)
    since_due = staticmethod(since_due)

    def start(self):
        self.usage = resource.getrusage(resource.RUSAGE_SELF)
        self.began = time.perf_counter()

    def stop(self):
        self.seconds = time.perf_counter() - self.began
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self.cpu = usage.ru_utime + usage.ru_stime - self.usage.ru_utime - self.usage.ru_stime

    def report(self, messages, latencies=None):
        line = {
            "messages": messages,
            "seconds": self.seconds,
            "cpu_seconds": self.cpu,
            "max_rss_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        }
        if latencies:
            line["latencies_us"] = [round(nanoseconds / 1000, 1) for nanoseconds in latencies]
        print(json.dumps(line))


# --- blocking: ours and pyzmq have the same shape -------------------------------------------------------------------


def send_each(socket, message, warm, count, clock):
    send = socket.send
    for _ in range(warm):
        send(message)
    clock.start()
    for _ in range(count):
        send(message)
    clock.stop()


def recv_each(socket, message, warm, count, clock):
    recv = socket.recv
    for _ in range(warm):
        recv()
    clock.start()
    for _ in range(count):
        recv()
    clock.stop()


def rtt(socket, message, warm, count, clock):
    now, latencies = time.perf_counter_ns, []
    for index in range(-warm, count):
        if index == 0:
            clock.start()
        began = now()
        socket.send(message)
        socket.recv()
        if index >= 0:
            latencies.append(now() - began)
    clock.stop()
    return latencies


def latency(socket, message, warm, count, clock):
    recv, latencies = socket.recv, []
    for _ in range(warm):
        since_due(recv())
    clock.start()
    for _ in range(count):
        latencies.append(since_due(recv()))
    clock.stop()
    return latencies


def send_many(socket, message, warm, count, clock):
    def send(left):
        while left:
            left -= socket.send_many([message] * min(left, BATCH))

    send(warm)
    clock.start()
    send(count)
    clock.stop()


def recv_many(socket, message, warm, count, clock):
    for _ in range(warm):
        socket.recv()
    clock.start()
    left = count
    while left:
        left -= len(socket.recv_many(min(left, BATCH)))
    clock.stop()


# --- asyncio: ours and pyzmq have the same shape --------------------------------------------------------------------


async def aio_send_each(socket, message, warm, count, clock):
    for _ in range(warm):
        await socket.send(message)
    clock.start()
    for _ in range(count):
        await socket.send(message)
    clock.stop()


async def aio_recv_each(socket, message, warm, count, clock):
    for _ in range(warm):
        await socket.recv()
    clock.start()
    for _ in range(count):
        await socket.recv()
    clock.stop()


async def aio_rtt(socket, message, warm, count, clock):
    now, latencies = time.perf_counter_ns, []
    for index in range(-warm, count):
        if index == 0:
            clock.start()
        began = now()
        await socket.send(message)
        await socket.recv()
        if index >= 0:
            latencies.append(now() - began)
    clock.stop()
    return latencies


async def aio_latency(socket, message, warm, count, clock):
    latencies = []
    for _ in range(warm):
        since_due(await socket.recv())
    clock.start()
    for _ in range(count):
        latencies.append(since_due(await socket.recv()))
    clock.stop()
    return latencies


async def aio_send_many(socket, message, warm, count, clock):
    async def send(left):
        while left:
            part = min(left, BATCH)
            await socket.send_many([message] * part)
            left -= part

    await send(warm)
    clock.start()
    await send(count)
    clock.stop()


async def aio_recv_many(socket, message, warm, count, clock):
    for _ in range(warm):
        await socket.recv()
    clock.start()
    left = count
    while left:
        left -= len(await socket.recv_many(min(left, BATCH)))
    clock.stop()


EACH = {"send-each": send_each, "recv-each": recv_each, "rtt": rtt, "latency": latency}
ALL = {**EACH, "send-many": send_many, "recv-many": recv_many}
AIO_EACH = {"send-each": aio_send_each, "recv-each": aio_recv_each, "rtt": aio_rtt, "latency": aio_latency}
AIO_ALL = {**AIO_EACH, "send-many": aio_send_many, "recv-many": aio_recv_many}

# --- the implementations --------------------------------------------------------------------------------------------


def ours(kind, endpoint, work, background=False):
    import zpatterns

    with zpatterns.Context() as context, zpatterns.Socket(kind, context=context, background=background) as socket:
        socket.connect(endpoint)
        return work(socket)


def ours_background(kind, endpoint, work):
    return ours(kind, endpoint, work, background=True)


def ours_asyncio(kind, endpoint, work):
    import zpatterns.aio

    async def main(context):
        async with zpatterns.aio.Socket(kind, context=context) as socket:
            socket.connect(endpoint)
            return await work(socket)

    with zpatterns.Context() as context:
        return asyncio.run(main(context))


def pyzmq(kind, endpoint, work):
    import zmq

    with zmq.Context() as context, context.socket(getattr(zmq, kind.upper())) as socket:
        socket.connect(endpoint)
        return work(socket)


def pyzmq_asyncio(kind, endpoint, work):
    import zmq.asyncio

    async def main():
        with zmq.asyncio.Context() as context, context.socket(getattr(zmq, kind.upper())) as socket:
            socket.connect(endpoint)
            return await work(socket)

    return asyncio.run(main())


IMPLEMENTATIONS = {
    "zpatterns": (ours, ALL),
    "zpatterns-background": (ours_background, ALL),
    "zpatterns-asyncio": (ours_asyncio, AIO_ALL),
    "pyzmq": (pyzmq, EACH),
    "pyzmq-asyncio": (pyzmq_asyncio, AIO_EACH),
}


def main(implementation, workload, endpoint, size, count):
    run, workloads = IMPLEMENTATIONS.get(implementation, (None, {}))
    if workload not in workloads:
        print(f"{implementation} does not do {workload}", file=sys.stderr)
        return 2
    size, count, clock = int(size), int(count), Clock()
    message, warm = b"m" * size, count // 10
    latencies = run(KINDS[workload], endpoint, lambda socket: workloads[workload](socket, message, warm, count, clock))
    clock.report(count, latencies)
    return 0


def play(part, *arguments):
    if importlib.import_module(part).main(Clock(), *arguments) is None:
        print(f"{arguments[0]} does not do {arguments[1]}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (6, 7, 8):
        sys.exit(__doc__)
    for part in ("bus", "fan", "jobs"):
        if sys.argv[2].startswith(f"{part}-"):
            sys.exit(play(part, *sys.argv[1:]))
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) == 6 else play("reqrep", *sys.argv[1:]))
