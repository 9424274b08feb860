"""Job queues: ours and arq. Each process of a town is this program in one role.

    driver.py IMPL jobs-queue|jobs-worker|jobs-flat|jobs-resume ENDPOINT SIZE COUNT [STORE]
    driver.py IMPL jobs-tree ENDPOINT SIZE COUNT DEPTH

A `queue` binds and prints `endpoint ...`, a `worker` connects and prints `ready`; they serve until they are killed. The
others print `warm` after a tenth of COUNT, and one line of JSON after COUNT jobs more: `flat` pushes them until all are done,
`tree` lets trees of them grow one after the other, `resume` takes the time from when a job breaks into one until it goes on.

A job begins with how many generations are to come below it. One worker serves all with that: a job that is to have none is
done at once, any other breaks into ten and comes to how many there were.
"""

import asyncio

import arq_jobs
from peers import say

QUEUE = "bench"
WIDTH = 10  # Children of a job that breaks.
CREDIT = 1000  # More jobs at hand do not make a worker faster.


class Load:
    """What a role is told, and the line that it prints."""

    def __init__(self, clock, size, count, more=None):
        self.clock, self.size, self.count = clock, size, count
        self.store = self.depth = more  # Where a queue stores jobs; generations below the root of a tree.

    def body(self, below):
        """A job with so many generations below it."""
        return bytes([below]) + b"x" * (self.size - 1)

    def phases(self, count):
        """How much to do, and where to note how long it took: a tenth to warm up, then with the clock on."""
        yield max(count // 10, 1), []
        latencies = []
        say("warm")
        self.clock.start()
        yield count, latencies
        self.clock.stop()
        self.clock.report(self.count, latencies)

    def check_flat(self, queues):
        pushed = self.count + max(self.count // 10, 1)
        if queues[0]["delivered"] != pushed:
            raise RuntimeError(f"of {pushed} jobs {queues[0]['delivered']} were done")

    def trees(self):
        """For each tree its root and the number of its jobs, in as many phases as there are elsewhere."""
        depth = int(self.depth)
        jobs = sum(WIDTH**generation for generation in range(depth + 1))
        trees = max(self.count // jobs, 1)
        self.count = trees * jobs
        for count, _ in self.phases(trees):
            for _ in range(count):
                yield self.body(depth), jobs


def number(value):
    return value.to_bytes(8, "little")


def jobs_in(outcome):
    """How many jobs a tree came to."""
    return int.from_bytes(outcome[0], "little")


def check_tree(outcome, jobs):
    if jobs_in(outcome) != jobs:
        raise RuntimeError(f"a tree of {jobs} jobs came to {jobs_in(outcome)}")


def advance(job):
    """Takes a job one step further."""
    if job.resumed:
        job.complete(number(sum(map(jobs_in, job.results)) + 1))
        return
    body = job.body[0]
    if body[0] == 0:
        job.complete(number(1))
    else:
        job.spawn([(QUEUE, bytes([body[0] - 1]) + body[1:])] * WIDTH)


def queue(endpoint, load):
    from zpatterns import zqueue

    with zqueue.Queue(endpoint, store=load.store) as kept:
        say(f"endpoint {kept.endpoints[0]}")
        kept.wait()


def worker(endpoint, load):
    from zpatterns import zqueue

    with zqueue.QueueWorker(endpoint, QUEUE, credit=CREDIT) as worker:
        say("ready")
        while True:
            jobs = worker.next_many()
            with worker.together():
                for job in jobs:
                    advance(job)


def flat(endpoint, load):
    from zpatterns import zqueue

    body = load.body(0)
    with zqueue.Producer(endpoint) as producer:
        for count, _ in load.phases(load.count):
            producer.push_many(QUEUE, [body] * (count - 1))
            # There is one worker, which does jobs as they come: when the last is done all are, with a store on the disk.
            producer.run(QUEUE, body)
        load.check_flat(producer.queues())


def tree(endpoint, load):
    from zpatterns import zqueue

    with zqueue.Producer(endpoint) as producer:
        for root, jobs in load.trees():
            check_tree(producer.run(QUEUE, root), jobs)


def resume(endpoint, load):
    from zpatterns import zqueue

    now, root, leaf = load.clock.now, load.body(1), [(QUEUE, load.body(0))]
    with zqueue.Producer(endpoint) as producer, zqueue.QueueWorker(endpoint, QUEUE) as worker:
        for count, latencies in load.phases(load.count):
            for _ in range(count):
                watch = producer.submit(QUEUE, root)
                parent = worker.next()
                began = now()
                parent.spawn(leaf)
                worker.next().complete()
                resumed = worker.next()
                latencies.append(now() - began)
                if not resumed.resumed:
                    raise RuntimeError("a parent did not go on after its child")
                resumed.complete()
                watch.outcome()


def aio_worker(endpoint, load):
    from zpatterns import aio

    async def main():
        async with aio.QueueWorker(endpoint, QUEUE, credit=CREDIT) as worker:
            say("ready")
            async for job in worker:
                advance(job)

    asyncio.run(main())


def aio_flat(endpoint, load):
    from zpatterns import aio

    async def main():
        body = load.body(0)
        async with aio.Producer(endpoint) as producer:
            for count, _ in load.phases(load.count):
                await producer.push_many(QUEUE, [body] * (count - 1))
                await producer.run(QUEUE, body)
            load.check_flat(await producer.queues())

    asyncio.run(main())


def aio_tree(endpoint, load):
    from zpatterns import aio

    async def main():
        async with aio.Producer(endpoint) as producer:
            for root, jobs in load.trees():
                check_tree(await producer.run(QUEUE, root), jobs)

    asyncio.run(main())


ROLES = {
    "zpatterns": {"queue": queue, "worker": worker, "flat": flat, "tree": tree, "resume": resume},
    "zpatterns-asyncio": {"queue": queue, "worker": aio_worker, "flat": aio_flat, "tree": aio_tree},
    "arq": {"worker": arq_jobs.worker, "flat": arq_jobs.flat},
}


def main(clock, implementation, workload, endpoint, size, count, more=None):
    """Plays a role; None if there is no such."""
    play = ROLES.get(implementation, {}).get(workload.removeprefix("jobs-"))
    if play is not None:
        play(endpoint, Load(clock, int(size), int(count), more))
    return play
