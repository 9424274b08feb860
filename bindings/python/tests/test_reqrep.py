"""Reliable request-reply with blocking calls: every way in which a request ends, through a broker and without."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import zpatterns
from conftest import WATCHDOG, eventually
from zpatterns import reqrep
from zpatterns.reqrep import Broker, Client, Job, Part, Worker


def answer(job: Job, kept: list[Job]) -> None:
    """What the worker of these tests does with a job."""
    match job.body:
        case [b"fail", *rest]:
            job.fail(7, rest)
        case [b"parts"]:
            for n in range(5):
                job.send_partial(b"%d" % n)
            job.reply(b"end")
        case [b"keep"]:
            kept.append(job)
        case [b"drop"]:
            with job:
                pass
        case body:
            job.reply(body)


class Town:
    """A worker in a thread, who keeps what it is told to, and where it is reached."""

    def __init__(self, worker: Worker, endpoints: list[str]) -> None:
        self.worker, self.endpoints = worker, endpoints
        self.kept: list[Job] = []
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self) -> None:
        for job in self.worker:
            answer(job, self.kept)

    def kept_job(self) -> Job:
        """The job that was kept, once it is there."""
        return eventually(lambda: self.kept.pop(), IndexError)


@pytest.fixture(params=["broker", "direct"])
def town(request: pytest.FixtureRequest, context: zpatterns.Context) -> Iterator[Town]:
    if request.param == "broker":
        broker = Broker(["tcp://127.0.0.1:0"], context=context)
        worker = Worker("echo", connect=broker.endpoints, context=context, credit=100)
        town = Town(worker, broker.endpoints)
    else:
        worker = Worker("echo", bind="tcp://127.0.0.1:0", context=context, credit=100)
        assert worker.endpoint is not None
        town = Town(worker, [worker.endpoint])
    yield town
    worker.close()
    town.thread.join(WATCHDOG)


@pytest.fixture
def client(town: Town, context: zpatterns.Context) -> Iterator[Client]:
    with Client(town.endpoints, context=context) as client:
        yield client


def test_hello(client: Client, town: Town) -> None:
    assert client.request("echo", b"hello") == [b"hello"]
    assert client.request("echo", [b"a", bytearray(b""), memoryview(b"c")]) == [b"a", b"", b"c"]
    assert client.request("echo", (b"x" * 100_000,)) == [b"x" * 100_000]
    assert client.request("echo") == []
    counters = client.counters()
    assert (counters["accepted"], counters["delivered"], counters["held"]) == (4, 4, 0)
    assert town.worker.counters()["answered"] == 4


def test_a_workers_own_error(client: Client) -> None:
    with pytest.raises(zpatterns.JobFailed, match=r"\(code 7\): no way") as caught:
        client.request("echo", [b"fail", b"no way", b"\xff"])
    assert (caught.value.worker_code, caught.value.body) == (7, [b"no way", b"\xff"])
    assert (caught.value.kind, caught.value.code) == ("JobFailed", 21)
    with pytest.raises(zpatterns.JobFailed) as caught:
        client.request("echo", b"drop")
    assert caught.value.worker_code == Job.DROPPED


def test_nobody_offers_it(client: Client) -> None:
    with pytest.raises(reqrep.RequestFailed) as caught:
        client.request("nobody", patience=0.05)
    assert isinstance(caught.value, zpatterns.NotFound) and isinstance(caught.value, LookupError)
    assert (caught.value.may_have_run, caught.value.retry_after) == (False, None)


def test_the_deadline(client: Client, town: Town) -> None:
    with pytest.raises(zpatterns.Timeout) as caught:
        client.request("echo", b"keep", deadline=0.3)
    assert isinstance(caught.value, reqrep.RequestFailed) and caught.value.may_have_run
    job = town.kept_job()
    assert job.wait_cancelled(WATCHDOG)
    assert job.cancelled and not job.done
    job.reply(b"too late")
    assert job.done and not job.cancelled


def test_too_many(town: Town, context: zpatterns.Context) -> None:
    with Client(town.endpoints, context=context, max_requests=2) as client:
        tickets = client.post_many("echo", [b"keep"] * 3, retries=0)
        ticket, outcome = client.next(WATCHDOG)
        assert ticket == tickets[2]
        assert isinstance(outcome, zpatterns.Full) and isinstance(outcome, reqrep.RequestFailed)
        assert not outcome.may_have_run
        assert client.counters()["refused_full"] == 1


def test_what_nobody_stores_is_not_durable(client: Client) -> None:
    with pytest.raises(zpatterns.Unsupported) as caught:
        client.request("echo", durable=True, key=b"key")
    assert isinstance(caught.value, reqrep.RequestFailed) and not caught.value.may_have_run


def test_cancelling(client: Client, town: Town) -> None:
    cancel = zpatterns.Cancel()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lambda: client.request("echo", b"keep", cancel=cancel))
        job = town.kept_job()
        assert not job.cancelled and not job.wait_cancelled(0.01)
        cancel.cancel()
        error = asked.exception(WATCHDOG)
    assert isinstance(error, zpatterns.Cancelled) and isinstance(error, reqrep.RequestFailed) and error.may_have_run
    assert job.wait_cancelled(WATCHDOG)
    job.reply()

    ticket = client.submit("echo", b"keep")
    job = town.kept_job()
    client.cancel(ticket)
    with pytest.raises(zpatterns.Cancelled):
        client.wait(ticket, WATCHDOG)
    assert job.wait_cancelled(WATCHDOG)
    job.fail(1)


def test_waiting_in_steps(client: Client, town: Town) -> None:
    ticket = client.submit("echo", b"keep", key="klíč")
    job = town.kept_job()
    assert (job.service, job.key, job.body) == ("echo", "klíč".encode(), [b"keep"])
    assert 0 < job.remaining <= 30
    with pytest.raises(zpatterns.Timeout) as caught:
        client.wait(ticket, 0.01)
    assert not isinstance(caught.value, reqrep.RequestFailed), "the request goes on"
    job.reply(b"now")
    assert client.wait(ticket, WATCHDOG) == [b"now"]
    with pytest.raises(zpatterns.NotFound):
        client.wait(ticket, WATCHDOG)
    repeated: list[Callable[[], None]] = [job.reply, lambda: job.fail(1), lambda: job.send_partial(b"")]
    for again in repeated:
        with pytest.raises(zpatterns.WrongState):
            again()


def test_an_answer_ends_the_wait_for_the_end(client: Client, town: Town) -> None:
    ticket = client.submit("echo", b"keep")
    job = town.kept_job()
    with ThreadPoolExecutor(2) as pool:
        waits = [pool.submit(job.wait_cancelled) for _ in range(2)]
        job.reply(b"done")
        assert [wait.result(WATCHDOG) for wait in waits] == [False, False]
    assert client.wait(ticket, WATCHDOG) == [b"done"]


def test_parts(client: Client) -> None:
    whole = [b"0", b"1", b"2", b"3", b"4", b"end"]
    assert client.request("echo", b"parts") == whole
    parts = list(client.stream("echo", b"parts"))
    assert [frame for part in parts for frame in part.body] == whole
    assert len({part.run for part in parts}) == 1
    assert list(client.stream("echo", b"whole")) == [Part(0, [b"whole"])]
    with pytest.raises(zpatterns.JobFailed):
        list(client.stream("echo", b"fail"))


def test_leaving_a_stream_takes_it_back(client: Client, town: Town) -> None:
    stream = client.stream("echo", b"keep")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(next, stream)
        job = town.kept_job()
        job.send_partial(b"some")
        assert first.result(WATCHDOG).body == [b"some"]
    stream.close()
    assert job.wait_cancelled(WATCHDOG)
    job.reply()


def test_many_at_once(client: Client) -> None:
    count = 1000
    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda n: client.request("echo", b"%d" % n), range(count)))
    assert replies == [[b"%d" % n] for n in range(count)]

    tickets = client.post_many("echo", (b"%d" % n for n in range(count)))
    answers: dict[int, Any] = {}
    while len(answers) < count:
        batch = client.next_many(300, WATCHDOG)
        assert 1 <= len(batch) <= 300
        answers.update(batch)
    assert [answers[ticket] for ticket in tickets] == [[b"%d" % n] for n in range(count)]
    assert client.post_many("echo", []) == []
    with pytest.raises(TypeError):
        client.post_many("echo", ["text"])  # type: ignore[list-item]


def test_jobs_in_any_order(context: zpatterns.Context) -> None:
    with Broker("tcp://127.0.0.1:0", context=context) as broker:
        worker = Worker("echo", connect=broker.endpoints, context=context, credit=10)
        with worker, Client(broker.endpoints, context=context) as client:
            tickets = [client.submit("echo", b"%d" % n) for n in range(10)]
            jobs: list[Job] = []
            while len(jobs) < 10:
                jobs += worker.next_many(4, WATCHDOG)
            for job in reversed(jobs):
                job.reply(job.body)
            assert [client.wait(ticket, WATCHDOG) for ticket in tickets] == [[b"%d" % n] for n in range(10)]


def test_once_per_key(context: zpatterns.Context) -> None:
    with Broker("tcp://127.0.0.1:0", context=context) as broker:
        town = Town(Worker("echo", connect=broker.endpoints, context=context), broker.endpoints)
        with town.worker, Client(broker.endpoints, context=context) as client:
            replies = [client.request("echo", b"%d" % n, once=True, key="same") for n in range(3)]
            assert replies == [[b"0"]] * 3
            assert broker.counters()["from_cache"] == 2


def test_leaving(context: zpatterns.Context) -> None:
    with Broker("tcp://127.0.0.1:0", context=context) as broker:
        worker = Worker("echo", connect=broker.endpoints, context=context)
        with worker, Client(broker.endpoints, context=context) as client:
            ticket = client.submit("echo", b"last")
            job = worker.next(WATCHDOG)
            assert broker.workers() == 1
            worker.leave()
            with pytest.raises(zpatterns.Timeout):
                worker.next(0.01)
            job.reply(b"done")
            assert list(worker) == []
            assert client.wait(ticket, WATCHDOG) == [b"done"]


def test_draining(context: zpatterns.Context) -> None:
    broker = Broker("tcp://127.0.0.1:0", context=context)
    with Worker("echo", connect=broker.endpoints, context=context) as worker:
        with Client(broker.endpoints, context=context) as client:
            ticket = client.submit("echo")
            job = worker.next(WATCHDOG)
            with pytest.raises(zpatterns.Timeout):
                broker.drain(0.01)
            job.reply(b"done")
            broker.drain(WATCHDOG)
            assert client.wait(ticket, WATCHDOG) == [b"done"]
            with pytest.raises(zpatterns.Timeout):
                broker.wait(0)
            closer = threading.Timer(0.05, broker.close)
            closer.start()
            broker.wait(WATCHDOG)
            closer.join(WATCHDOG)
            assert broker.closed and broker.counters()["delivered"] == 1


CALLS: dict[str, Callable[[Client], object]] = {
    "request": lambda client: client.request("echo"),
    "submit": lambda client: client.submit("echo"),
    "post_many": lambda client: client.post_many("echo", [b""]),
    "next": lambda client: client.next(),
    "wait": lambda client: client.wait(1),
    "cancel": lambda client: client.cancel(1),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_closed_client(call: str, client: Client) -> None:
    client.close()
    client.close()
    assert client.closed
    with pytest.raises(zpatterns.Closed):
        CALLS[call](client)
    client.forget(1)
    assert client.counters()["accepted"] == 0
