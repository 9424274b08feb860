"""What happens at a broker, one by one; and jobs that are of no more use, in event loops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import zpatterns
from conftest import WATCHDOG, run
from test_asyncio import LoopWithoutReaders
from zpatterns import aio
from zpatterns.reqrep import Broker, Client, Job, News, Worker

ANYWHERE = "tcp://127.0.0.1:0"
PATIENT: Any = {"deadline": WATCHDOG, "attempts": 1}


def test_who_comes_and_goes_and_what_is_lost(context: zpatterns.Context) -> None:
    with Broker(ANYWHERE, context=context) as broker, Client(broker.endpoints, context=context) as client:
        with pytest.raises(zpatterns.Timeout):
            broker.next(timeout=0)
        worker = Worker("slow", connect=broker.endpoints, context=context)
        joined = broker.next(WATCHDOG)
        assert joined == News("worker_joined", "slow", worker=joined.worker) and joined.worker > 0
        client.submit("slow", **PATIENT)
        job = worker.next(WATCHDOG)
        worker.close()
        assert broker.next(WATCHDOG) == News("worker_gone", "slow", joined.worker, requests=1)
        assert broker.next(WATCHDOG) == News("lost", "slow", requests=1, reason="attempts")
        with Worker("quick", connect=broker.endpoints, context=context) as other:
            assert broker.next(WATCHDOG)[:2] == ("worker_joined", "quick")
            other.leave()
        gone = broker.next(WATCHDOG)
        assert (gone.kind, gone.service, gone.requests, gone.left) == ("worker_gone", "quick", 0, True)
        assert job.done and not job.cancelled
        cancel = zpatterns.Cancel()
        cancel.cancel()
        with pytest.raises(zpatterns.Cancelled):
            broker.next(cancel=cancel)
    with pytest.raises(zpatterns.Closed):
        broker.next(0)


@pytest.mark.parametrize("end", ["handle", "context"])
def test_iterating_ends_with_the_broker(end: str) -> None:
    context = zpatterns.Context()
    broker = Broker(ANYWHERE, context=context)
    kinds: list[str] = []
    seen = threading.Event()

    def watch() -> None:
        for news in broker:
            kinds.append(news.kind)
            seen.set()

    thread = threading.Thread(target=watch)
    with pytest.raises(zpatterns.Timeout):
        broker.next(0)
    thread.start()
    with Worker("echo", connect=broker.endpoints, context=context):
        assert seen.wait(WATCHDOG)
        (broker if end == "handle" else context).close()
    thread.join(WATCHDOG)
    assert not thread.is_alive() and kinds == ["worker_joined"]
    context.close()


Story = Callable[[aio.Broker, aio.Client, aio.Worker], Awaitable[None]]


@pytest.fixture(params=[asyncio.SelectorEventLoop, LoopWithoutReaders], ids=["readers", "hook"])
def tell(request: pytest.FixtureRequest) -> Callable[[Story], None]:
    """Runs a story around a broker that is watched, in a loop with and in one without readers."""

    def run(story: Story) -> None:
        async def main() -> None:
            with zpatterns.Context() as context:
                async with aio.Broker(ANYWHERE, context=context) as broker:
                    first = asyncio.ensure_future(broker.next())
                    await asyncio.sleep(0)
                    async with (
                        aio.Client(broker.endpoints, context=context) as client,
                        aio.Worker("echo", connect=broker.endpoints, context=context, credit=100) as worker,
                    ):
                        assert (await first).kind == "worker_joined"
                        await asyncio.wait_for(story(broker, client, worker), WATCHDOG)

        loop = request.param()
        try:
            loop.run_until_complete(main())
        finally:
            loop.close()

    return run


def test_news_in_an_event_loop(tell: Any) -> None:
    async def story(broker: aio.Broker, client: aio.Client, worker: aio.Worker) -> None:
        given_up = asyncio.ensure_future(broker.next())
        await asyncio.sleep(0)
        given_up.cancel()
        asked = asyncio.ensure_future(client.request("echo", **PATIENT))
        job = await worker.next()
        seen: list[str] = []

        async def watch() -> None:
            async for news in broker:
                seen.append(news.kind)

        watched = asyncio.ensure_future(watch())
        await asyncio.sleep(0)  # Jobs were taken in this step, and what it sends is kept together until its end.
        worker.close()
        assert job.done
        with pytest.raises(zpatterns.Unreachable):
            await asked
        while len(seen) < 2:
            await asyncio.sleep(0.001)
        broker.close()
        await watched
        assert seen == ["worker_gone", "lost"]
        with pytest.raises(zpatterns.Closed):
            await broker.next()

    tell(story)


def test_several_tasks_wait_for_news(tell: Any) -> None:
    async def story(broker: aio.Broker, client: aio.Client, worker: aio.Worker) -> None:
        waits = [asyncio.ensure_future(broker.next()) for _ in range(3)]
        await asyncio.sleep(0)
        waits.pop(0).cancel()
        asked = asyncio.ensure_future(client.request("echo", **PATIENT))
        job = await worker.next()
        await asyncio.sleep(0)
        worker.close()
        assert job.done
        assert {(await wait).kind for wait in waits} == {"worker_gone", "lost"}
        await asyncio.wait([asked])

    tell(story)


def keep(client: aio.Client, **options: Any) -> asyncio.Task[list[bytes]]:
    return asyncio.ensure_future(client.request("echo", **{**PATIENT, **options}))


def test_waiting_for_the_end_of_a_job(tell: Any) -> None:
    async def story(broker: aio.Broker, client: aio.Client, worker: aio.Worker) -> None:
        asked = [keep(client) for _ in range(50)]
        jobs = [await worker.next() for _ in asked]
        # Two wait for each; one of them gives up, and the other hears all the same.
        waits = [asyncio.ensure_future(worker.wait_cancelled(job)) for job in jobs for _ in range(2)]
        await asyncio.sleep(0)
        for wait in waits[1::2]:
            wait.cancel()
        assert not any(wait.done() for wait in waits[::2])
        for task in asked[::2]:
            task.cancel()
        assert await asyncio.gather(*waits[::4]) == [True] * 25
        for job in jobs:
            job.reply(b"done")
        assert await asyncio.gather(*waits[2::4]) == [False] * 25
        assert [await task for task in asked[1::2]] == [[b"done"]] * 25
        assert not await worker.wait_cancelled(jobs[0]), "it is answered"
        assert worker._ends is not None and worker._ends._waiting == {}

    tell(story)


def test_other_ends_of_a_job(tell: Any) -> None:
    async def story(broker: aio.Broker, client: aio.Client, worker: aio.Worker) -> None:
        asked = [keep(client, deadline=0.2), *(keep(client) for _ in range(3))]
        late, answered, dropped, left = [await worker.next() for _ in asked]
        waits = [asyncio.ensure_future(worker.wait_cancelled(job)) for job in (late, answered, dropped, left)]
        assert await waits[0], "nobody waits after the deadline"
        thread = threading.Thread(target=answered.reply)
        thread.start()
        assert not await waits[1]
        with dropped:
            pass
        assert not await waits[2]
        closer = threading.Thread(target=worker.close)
        closer.start()
        assert not await waits[3] and not await worker.wait_cancelled(left)
        thread.join(WATCHDOG)
        closer.join(WATCHDOG)
        await asyncio.wait(asked)

    tell(story)


def test_a_wait_for_the_end_sets_no_timer() -> None:
    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        async with aio.Worker("echo", bind=ANYWHERE) as worker, aio.Client(worker.endpoint or "") as client:
            asked = keep(client)
            job = await worker.next()
            wait = asyncio.ensure_future(worker.wait_cancelled(job))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert loop._scheduled == [], "the loop sleeps until something happens"
            asked.cancel()
            assert await wait

    asyncio.run(main())


def test_a_worker_outlives_its_loop() -> None:
    with zpatterns.Context() as context:
        worker = aio.Worker("echo", bind=ANYWHERE, context=context, credit=2)
        assert worker.endpoint is not None
        with Client(worker.endpoint, context=context) as client:
            tickets = [client.submit("echo", **PATIENT) for _ in range(2)]
            kept: list[Job] = []

            async def give_up() -> None:
                kept.append(await worker.next())
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(worker.wait_cancelled(kept[-1]), 0.01)

            async def wait() -> None:
                waits = [asyncio.ensure_future(worker.wait_cancelled(job)) for job in kept]
                await asyncio.sleep(0)
                for ticket in tickets:
                    client.cancel(ticket)
                assert await asyncio.wait_for(asyncio.gather(*waits), WATCHDOG) == [True, True]

            asyncio.run(give_up())
            asyncio.run(give_up())
            kept[0].wait_cancelled(0)  # The loop that its hook tells is closed.
            asyncio.run(wait())
        worker.close()


LEFT_OPEN = """
    import asyncio
    from zpatterns import aio

    async def main():
        global task, waits
        broker, worker = aio.Broker("tcp://127.0.0.1:0"), aio.Worker("echo", bind="tcp://127.0.0.1:0")
        client = aio.Client(worker.endpoint)
        task = asyncio.ensure_future(client.request("echo"))
        job = await worker.next()
        waits = [asyncio.ensure_future(wait) for wait in (broker.next(), worker.wait_cancelled(job))]
        await asyncio.sleep(0.01)
        HOW

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    print("ends")
"""


@pytest.mark.parametrize("how", ["pass", "client.close()", "worker.close()", "broker.close()"])
def test_a_program_ends_while_it_waits(how: str, tmp_path: Path) -> None:
    status, output, errors = run(LEFT_OPEN.replace("HOW", how), tmp_path)
    assert (status, output) == (0, "ends\n"), errors
    assert "Fatal" not in errors and "panicked" not in errors, errors
