"""Reliable request-reply in event loops: a thousand at once, what cancelling a task does, and who learns of the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

import pytest

import zpatterns
from conftest import WATCHDOG
from test_asyncio import LoopWithoutReaders
from test_reqrep import answer
from zpatterns import aio, reqrep
from zpatterns.reqrep import FreelanceServer, Job, Part

Result = TypeVar("Result")


class Town:
    """A client, a worker whose jobs are answered in a task, and what it kept."""

    def __init__(self, client: aio.Client, worker: aio.Worker) -> None:
        self.client, self.worker = client, worker
        self.kept: asyncio.Queue[Job] = asyncio.Queue()

    async def work(self) -> None:
        async for job in self.worker:
            kept: list[Job] = []
            answer(job, kept)
            for each in kept:
                self.kept.put_nowait(each)
            del job, kept

    def __enter__(self) -> Town:
        self.task = asyncio.create_task(self.work())
        return self

    def __exit__(self, *_: object) -> None:
        self.task.cancel()


Story = Callable[[Town], Awaitable[Result]]


@pytest.fixture(params=[asyncio.SelectorEventLoop, LoopWithoutReaders], ids=["readers", "hook"])
def tell(request: pytest.FixtureRequest) -> Callable[[Story[Result]], Result]:
    """Runs a story around a broker, in a loop with and in one without readers."""

    def run(story: Story[Result]) -> Result:
        async def main() -> Result:
            with zpatterns.Context() as context:
                async with (
                    aio.Broker("tcp://127.0.0.1:0", context=context) as broker,
                    aio.Worker("echo", connect=broker.endpoints, context=context, credit=100) as worker,
                    aio.Client(broker.endpoints, context=context) as client,
                ):
                    with Town(client, worker) as town:
                        return await asyncio.wait_for(story(town), WATCHDOG)

        loop = request.param()
        try:
            result: Result = loop.run_until_complete(main())
            return result
        finally:
            loop.close()

    return run


def test_hello(tell: Any) -> None:
    async def story(town: Town) -> None:
        assert await town.client.request("echo", b"hello") == [b"hello"]
        assert await town.client.request("echo", [b"a", b"x" * 100_000]) == [b"a", b"x" * 100_000]
        assert await town.client.request("echo") == []

    tell(story)


def test_without_a_broker() -> None:
    async def main() -> None:
        async with aio.Worker("echo", bind="tcp://127.0.0.1:0") as worker:
            assert worker.endpoint is not None
            async with aio.Client(worker.endpoint) as client:
                asked = asyncio.create_task(client.request("echo", b"hello"))
                job = await worker.next()
                assert (job.service, job.body) == ("echo", [b"hello"])
                job.reply(b"world")
                assert await asked == [b"world"]

    asyncio.run(asyncio.wait_for(main(), WATCHDOG))


def test_many_at_once(tell: Any) -> None:
    async def story(town: Town) -> None:
        replies = await asyncio.gather(*(town.client.request("echo", b"%d" % n) for n in range(1000)))
        assert replies == [[b"%d" % n] for n in range(1000)]
        counters = town.client.counters()
        assert (counters["delivered"], counters["held"]) == (1000, 0)

    tell(story)


def test_how_requests_end(tell: Any) -> None:
    async def story(town: Town) -> None:
        with pytest.raises(zpatterns.JobFailed) as failed:
            await town.client.request("echo", [b"fail", b"no"])
        assert (failed.value.worker_code, failed.value.body) == (7, [b"no"])
        with pytest.raises(zpatterns.NotFound) as caught:
            await town.client.request("nobody", patience=0.05)
        assert isinstance(caught.value, reqrep.RequestFailed) and not caught.value.may_have_run
        with pytest.raises(zpatterns.Timeout) as late:
            await town.client.request("echo", b"keep", deadline=0.3)
        assert isinstance(late.value, reqrep.RequestFailed) and late.value.may_have_run
        job = await town.kept.get()
        assert await town.worker.wait_cancelled(job)
        job.reply()
        with pytest.raises(zpatterns.InvalidArgument):
            await town.client.request("echo", attempts=0)
        with pytest.raises(TypeError):
            await town.client.request("echo", "text")  # type: ignore[arg-type]

    tell(story)


def test_cancelling_a_task_takes_its_request_back(tell: Any) -> None:
    async def story(town: Town) -> None:
        asked = asyncio.create_task(town.client.request("echo", b"keep"))
        job = await town.kept.get()
        assert not job.cancelled
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert await town.worker.wait_cancelled(job)
        job.reply(b"nobody hears it")
        assert not await town.worker.wait_cancelled(job), "it is answered"
        assert town.client.counters()["lost_cancelled"] == 1
        assert await town.client.request("echo", b"others go on") == [b"others go on"]
        assert town.client._answers.askers == {}

    tell(story)


def test_parts(tell: Any) -> None:
    whole = [b"0", b"1", b"2", b"3", b"4", b"end"]

    async def story(town: Town) -> None:
        assert await town.client.request("echo", b"parts") == whole
        parts = [part async for part in town.client.stream("echo", b"parts")]
        assert [frame for part in parts for frame in part.body] == whole
        assert [part async for part in town.client.stream("echo", b"whole")] == [Part(0, [b"whole"])]
        with pytest.raises(zpatterns.JobFailed):
            async for _ in town.client.stream("echo", b"fail"):
                pass

        async with aclosing(town.client.stream("echo", b"keep")) as stream:
            first = asyncio.ensure_future(anext(stream))
            job = await town.kept.get()
            job.send_partial(b"some")
            assert (await first).body == [b"some"]
        assert await town.worker.wait_cancelled(job)
        job.reply()

    tell(story)


def test_an_answer_that_nobody_takes_is_bounded(tell: Any) -> None:
    async def story(town: Town) -> None:
        stream = town.client.stream("echo", b"keep")
        first = asyncio.ensure_future(anext(stream))
        job = await town.kept.get()
        job.send_partial(b"first")
        assert (await first).body == [b"first"]
        while not job.cancelled:
            job.send_partial(b"x" * 1_000_000)
            await asyncio.sleep(0.005)
        job.reply()
        with pytest.raises(zpatterns.Full):
            async for _ in stream:
                pass

    tell(story)


def test_several_tasks_take_jobs_in_batches(tell: Any) -> None:
    async def story(town: Town) -> None:
        town.task.cancel()

        async def take() -> None:
            while True:
                for job in await town.worker.next_many(3):
                    job.reply(job.body)

        tasks = [asyncio.create_task(take()) for _ in range(4)]
        replies = await asyncio.gather(*(town.client.request("echo", b"%d" % n) for n in range(500)))
        assert replies == [[b"%d" % n] for n in range(500)]
        for task in tasks:
            task.cancel()

    tell(story)


def test_leaving_and_draining() -> None:
    async def main() -> None:
        async with aio.Broker("tcp://127.0.0.1:0") as broker:
            worker = aio.Worker("echo", connect=broker.endpoints)
            async with worker, aio.Client(broker.endpoints) as client:
                asked = asyncio.create_task(client.request("echo"))
                job = await worker.next()
                assert broker.workers() == 1
                drains = asyncio.create_task(broker.drain())
                worker.leave()
                job.reply(b"done")
                assert await asked == [b"done"]
                assert [job async for job in worker] == []
                await drains
                assert (broker.counters()["delivered"], worker.counters()["answered"]) == (1, 1)

    asyncio.run(asyncio.wait_for(main(), WATCHDOG))


def test_a_server_of_the_freelance_pattern() -> None:
    async def serve(server: aio.Socket) -> None:
        while True:
            address, control, *body = await server.recv_multipart()
            await server.send_multipart([address, b"PONG"] if control == b"PING" else [address, control, *body])

    async def main() -> None:
        async with aio.Socket("router") as server:
            servers = [FreelanceServer(server.bind("tcp://127.0.0.1:0"), "echo")]
            serving = asyncio.create_task(serve(server))
            async with aio.Client(freelance=servers) as client:
                assert await client.request("echo", b"hello") == [b"hello"]
            serving.cancel()

    asyncio.run(asyncio.wait_for(main(), WATCHDOG))


@pytest.mark.parametrize("end", ["handles", "context"])
def test_closing_ends_every_wait(tell: Any, end: str) -> None:
    async def story(town: Town) -> None:
        nowhere = "tcp://127.0.0.1:1"
        context = zpatterns.Context()
        client, worker = aio.Client(nowhere, context=context), aio.Worker("echo", connect=nowhere, context=context)

        async def stream() -> list[Part]:
            return [part async for part in client.stream("echo")]

        async def jobs() -> list[Job]:
            return [job async for job in worker]

        waits = [asyncio.ensure_future(wait) for wait in (client.request("echo"), stream(), worker.next())]
        ends = asyncio.ensure_future(jobs())
        await asyncio.sleep(0)

        def close() -> None:
            if end == "handles":
                client.close()
                worker.close()
            context.close()

        closer = threading.Thread(target=close)
        closer.start()
        for wait in waits:
            with pytest.raises(zpatterns.Closed):
                await wait
        assert await ends == []
        closer.join()
        client.close()
        worker.close()
        assert client.closed and worker.closed
        with pytest.raises(zpatterns.Closed):
            await client.request("echo")
        with pytest.raises(zpatterns.Closed):
            await worker.next()
        assert client.counters()["delivered"] == 0

    tell(story)


def test_one_loop_per_client() -> None:
    client = aio.Client("tcp://127.0.0.1:1")

    async def ask() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.request("echo"), 0.01)

    asyncio.run(ask())
    asyncio.run(ask())  # The first loop is closed.
    other = asyncio.new_event_loop()
    other.run_until_complete(ask())
    with pytest.raises(zpatterns.WrongState, match="another event loop"):
        asyncio.run(client.request("echo"))
    other.close()
    client.close()
