"""Request-reply: ours, NATS, nng and Majordomo. Each process of a town is this program in one role.

    driver.py IMPL ROLE ENDPOINT SIZE COUNT OUTSTANDING [STORE]

`broker` and `server` bind and print `endpoint ...`, `worker` connects and prints `ready`; they serve until they are killed.
A `client` keeps OUTSTANDING requests of SIZE bytes open, prints `warm` when a tenth of COUNT is answered, and one line of
JSON after COUNT more; `durable` is a client whose requests are stored, by a broker that was given STORE. A request begins
with its number, and so must its answer.
"""

import asyncio

import peers
from peers import SERVICE, say

MOST_CREDIT = 1000  # More jobs at hand do not make a worker faster.


class Load:
    """What a role is told, and the requests it makes of that."""

    def __init__(self, clock, size, count, outstanding, store=None):
        self.clock, self.size, self.count, self.window, self.store = clock, size, count, outstanding, store
        self.credit = min(outstanding, MOST_CREDIT)
        self.filling = b"x" * (size - 8)
        self.asked = 0

    def request(self):
        """The next request and its number."""
        self.asked += 1
        return self.asked, self.asked.to_bytes(8, "little") + self.filling

    def check(self, number, answer):
        if len(answer) != self.size or answer[:8] != number.to_bytes(8, "little"):
            raise RuntimeError(f"request {number} got another's answer")

    def phases(self):
        """How many to ask for, and where to note how long each took: a tenth to warm up, then with the clock on."""
        yield self.count // 10, []
        latencies = []
        say("warm")
        self.clock.start()
        yield self.count, latencies
        self.clock.stop()
        self.clock.report(self.count, latencies)

    def one_by_one(self, exchange):
        """Asks with `exchange(body)`, each time when the answer before is there."""
        for count, latencies in self.phases():
            for _ in range(count):
                began = self.clock.now()
                number, body = self.request()
                self.check(number, exchange(body))
                latencies.append(self.clock.now() - began)

    async def tasks(self, ask):
        """As many tasks as requests may be open, each of which awaits `ask(body)` again and again."""

        async def task(left, latencies):
            for _ in left:
                began = self.clock.now()
                number, body = self.request()
                self.check(number, await ask(body))
                if self.window == 1:
                    latencies.append(self.clock.now() - began)

        for count, latencies in self.phases():
            left = iter(range(count))
            await asyncio.gather(*(task(left, latencies) for _ in range(min(self.window, count))))


def ours_broker(endpoint, load):
    from zpatterns import reqrep

    with reqrep.Broker(endpoint, store=load.store) as broker:
        say(f"endpoint {broker.endpoints[0]}")
        broker.wait()


def ours_worker(endpoint, load):
    from zpatterns import reqrep

    with reqrep.Worker(SERVICE, connect=endpoint, credit=load.credit) as worker:
        say("ready")
        work(worker)


def ours_server(endpoint, load):
    from zpatterns import reqrep

    with reqrep.Worker(SERVICE, bind=endpoint, credit=load.credit) as worker:
        say(f"endpoint {worker.endpoint}")
        work(worker)


def work(worker):
    while True:
        for job in worker.next_many():
            job.reply(job.body)


def ours_client(endpoint, load):
    from zpatterns import reqrep

    with reqrep.Client(endpoint) as client:
        if load.window == 1:
            load.one_by_one(lambda body: client.request(SERVICE, body)[0])
        else:
            pipeline(client, load, lambda bodies: client.post_many(SERVICE, bodies))


def ours_durable(endpoint, load):
    from zpatterns import reqrep

    with reqrep.Client(endpoint) as client:

        def post(bodies):
            for body in bodies:
                client.post(SERVICE, body, durable=True, key=body[:8])

        pipeline(client, load, post)


def pipeline(client, load, post):
    """Posts as many requests as were answered."""
    for count, _ in load.phases():
        last, room = load.asked + count, load.window
        while count:
            post([load.request()[1] for _ in range(min(room, last - load.asked))])
            answers = client.next_many()
            for ticket, answer in answers:
                load.check(ticket, answer[0])
            room = len(answers)
            count -= room


def aio_worker(endpoint, load):
    from zpatterns import aio

    async def main():
        async with aio.Worker(SERVICE, connect=endpoint, credit=load.credit) as worker:
            say("ready")
            async for job in worker:
                job.reply(job.body)

    asyncio.run(main())


def aio_server(endpoint, load):
    from zpatterns import aio

    async def main():
        async with aio.Worker(SERVICE, bind=endpoint, credit=load.credit) as worker:
            say(f"endpoint {worker.endpoint}")
            async for job in worker:
                job.reply(job.body)

    asyncio.run(main())


def aio_client(endpoint, load):
    from zpatterns import aio

    async def main():
        async with aio.Client(endpoint) as client:

            async def ask(body):
                return (await client.request(SERVICE, body))[0]

            await load.tasks(ask)

    asyncio.run(main())


ROLES = {
    "zpatterns": {
        "broker": ours_broker,
        "worker": ours_worker,
        "server": ours_server,
        "client": ours_client,
        "durable": ours_durable,
    },
    "zpatterns-asyncio": {
        "broker": ours_broker,
        "worker": aio_worker,
        "server": aio_server,
        "client": aio_client,
    },
    "nats": {"worker": peers.nats_worker, "client": peers.nats_client},
    "pynng": {"server": peers.nng_server, "client": peers.nng_client},
    "majordomo": {"broker": peers.majordomo_broker, "worker": peers.majordomo_worker, "client": peers.majordomo_client},
}


def main(clock, implementation, role, endpoint, size, count, outstanding, store=None):
    """Plays a role; None if there is no such."""
    play = ROLES.get(implementation, {}).get(role)
    if play is not None:
        play(endpoint, Load(clock, int(size), int(count), int(outstanding), store))
    return play
