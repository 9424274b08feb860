"""The job queue in event loops: a thousand at once, watches, what cancelling a task does, and who learns of the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import zpatterns
from conftest import WATCHDOG
from test_asyncio import LoopWithoutReaders
from zpatterns import aio
from zpatterns.zqueue import Accepted, Child, Ended, Event, Progress, QueueJob


class Yard:
    """A queue, a producer and a worker for `x`."""

    def __init__(self, queue: aio.Queue, producer: aio.Producer, worker: aio.QueueWorker) -> None:
        self.queue, self.producer, self.worker = queue, producer, worker
        self.endpoint = queue.endpoints[0]


Story = Callable[[Yard], Awaitable[None]]


@pytest.fixture(params=[asyncio.SelectorEventLoop, LoopWithoutReaders], ids=["readers", "hook"])
def tell(request: pytest.FixtureRequest) -> Callable[[Story], None]:
    """Runs a story around a queue, in a loop with and in one without readers."""

    def run(story: Story) -> None:
        async def main() -> None:
            with zpatterns.Context() as context:
                async with (
                    aio.Queue("tcp://127.0.0.1:0", context=context) as queue,
                    aio.Producer(queue.endpoints[0], context=context) as producer,
                    aio.QueueWorker(queue.endpoints, "x", context=context, credit=100) as worker,
                ):
                    await asyncio.wait_for(story(Yard(queue, producer, worker)), WATCHDOG)

        loop = request.param()
        try:
            loop.run_until_complete(main())
        finally:
            loop.close()

    return run


def test_a_thousand_at_once(tell: Callable[[Story], None]) -> None:
    async def story(yard: Yard) -> None:
        async def work() -> None:
            async for job in yard.worker:
                job.complete(job.body[0] * 2)

        working = asyncio.create_task(work())
        results = await asyncio.gather(*(yard.producer.run("x", b"%d" % n) for n in range(1000)))
        assert results == [[b"%d" % n * 2] for n in range(1000)]
        jobs = await yard.producer.push_many("x", (b"%d" % n for n in range(10_000)), keep=60)
        assert len(set(jobs)) == 10_000
        assert await yard.producer.result(jobs[-1]) == [b"9999" * 2]
        assert (await yard.producer.queues())[0]["name"] == "x"
        yard.worker.leave()
        await working
        assert yard.worker.counters()["completed"] == 11_000

    tell(story)


def test_handlers_do_a_tree_in_one_loop(tell: Callable[[Story], None]) -> None:
    async def story(yard: Yard) -> None:
        handlers = aio.Handlers()

        @handlers("count")
        async def count(job: QueueJob) -> bytes | None:
            await asyncio.sleep(0)
            if job.resumed:
                return b"%d" % (1 + sum(int(result[0]) for result in job.results))
            if job.body == [b"0"]:
                return b"1"
            job.spawn([("count", b"%d" % (int(job.body[0]) - 1))] * 10)
            return None

        @handlers("wrong")
        async def wrong(job: QueueJob) -> None:
            raise zpatterns.JobFailed("as it must")

        working = asyncio.create_task(handlers.run(yard.endpoint, credit=50))
        assert await yard.producer.run("count", b"3") == [b"1111"]
        with pytest.raises(zpatterns.JobFailed, match="as it must"):
            await yard.producer.run("wrong")
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working

    tell(story)


def test_watches(tell: Callable[[Story], None]) -> None:
    async def story(yard: Yard) -> None:
        watch = yard.producer.submit("x", b"a", attempts=1)
        accepted = await watch.next()
        assert isinstance(accepted, Accepted)
        other = yard.producer.watch(accepted.job, progress=True)
        left = yard.producer.watch(accepted.job)
        job = await yard.worker.next()
        job.spawn([Child("x", b"b")])
        tree, more = await yard.producer.tree(accepted.job)
        assert tree[0].job == accepted.job and not more
        child = await yard.worker.next()
        child.complete(b"c")
        last = await yard.worker.next()
        assert last.results == [[b"c"]]
        last.fail(3, b"in the end")
        with pytest.raises(zpatterns.JobFailed) as failed:
            await watch.outcome()
        assert failed.value.worker_code == 3
        events: list[Event] = [event async for event in other]
        assert all(isinstance(event, Progress) for event in events[:-1])
        assert isinstance(events[-1], Ended) and isinstance(events[-1].result, zpatterns.JobFailed)
        left.close()
        letters, _ = await yard.producer.dead()
        assert letters[0].job == accepted.job
        again = await yard.producer.requeue(accepted.job)
        assert (await yard.worker.next()).id == again
        with pytest.raises(zpatterns.NotFound):
            await yard.producer.watch(1).next()

    tell(story)


def test_drafts(tell: Callable[[Story], None]) -> None:
    async def story(yard: Yard) -> None:
        with yard.producer.draft("x", b"never"):
            pass
        draft = yard.producer.draft("x")
        draft.send_part([b"one", b"two"])
        draft.send_part(b"three")
        watch = draft.execute()
        job = await yard.worker.next()
        assert job.body == [b"one", b"two", b"three"]
        job.complete()
        assert await watch.outcome() == []
        with pytest.raises(zpatterns.NotFound):
            await watch.next()

    tell(story)


def test_cancels(tell: Callable[[Story], None]) -> None:
    async def story(yard: Yard) -> None:
        asked = asyncio.create_task(yard.producer.run("x", b"a"))
        job = await yard.worker.next()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert not job.withdrawn  # It goes on.
        heard = asyncio.create_task(yard.worker.wait_withdrawn(job))
        await yard.producer.cancel(job.id)
        assert await heard and job.withdrawn
        with pytest.raises(zpatterns.NotFound):
            await yard.producer.cancel(job.id)
        asked = asyncio.create_task(yard.producer.run("x", b"b"))
        job = await yard.worker.next()
        heard = asyncio.create_task(yard.worker.wait_withdrawn(job))
        await asyncio.sleep(0)
        job.complete()
        assert not await heard and await asked == []

    tell(story)


def test_closing_ends_every_wait(tell: Callable[[Story], None]) -> None:
    async def story(yard: Yard) -> None:
        watch = yard.producer.submit("y")
        assert isinstance(await watch.next(), Accepted)
        waits: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(wait)
            for wait in (yard.worker.next(), yard.producer.run("y"), watch.next(), yard.producer.result(0))
        ]
        await asyncio.sleep(0)
        for handle in (yard.producer, yard.worker, yard.queue):
            handle.close()
        told = await asyncio.gather(*waits, return_exceptions=True)
        assert [type(error) for error in told[:3]] == [zpatterns.Closed] * 3
        assert isinstance(told[3], (zpatterns.Closed, zpatterns.NotFound))
        with pytest.raises(zpatterns.Closed):
            await yard.producer.push("x")
        assert [job async for job in yard.worker] == []
        assert yard.queue.closed and yard.worker.closed and yard.producer.closed

    tell(story)


def test_a_drain_that_is_cancelled_goes_on(tell: Callable[[Story], None]) -> None:
    async def story(yard: Yard) -> None:
        await yard.producer.push("x")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(yard.queue.drain(), 0.05)
        with pytest.raises(zpatterns.Error):
            await yard.producer.push("x")
        (await yard.worker.next()).complete()
        await yard.queue.drain()
        assert yard.queue.counters()["delivered"] == 1

    tell(story)
