"""The job queue with blocking calls: trees, failures, what is watched, and who is told what."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import zpatterns
from conftest import WATCHDOG, run
from zpatterns import zqueue
from zpatterns.zqueue import Accepted, Child, Ended, Handlers, Producer, Progress, Queue, QueueJob, QueueWorker

NOWHERE = "tcp://127.0.0.1:1"


class Yard:
    """A queue and a producer."""

    def __init__(self, context: zpatterns.Context, **options: Any) -> None:
        self.context = context
        self.queue = Queue("tcp://127.0.0.1:0", context=context, **options)
        self.endpoint = self.queue.endpoints[0]
        self.producer = Producer(self.endpoint, context=context)

    def worker(self, *queues: str, credit: int = 20) -> QueueWorker:
        return QueueWorker(self.endpoint, queues or "x", context=self.context, credit=credit)


@pytest.fixture
def yard(context: zpatterns.Context) -> Iterator[Yard]:
    yield Yard(context)


def numbers(job: QueueJob) -> int:
    return sum(int(result[0]) for result in job.results)


def test_a_tree_comes_to_what_it_should(yard: Yard) -> None:
    handlers = Handlers()

    @handlers("count")
    def count(job: QueueJob) -> bytes | None:
        depth = int(job.body[0])
        if job.resumed:
            assert job.memo == [b"left", b"behind"]
            return b"%d" % (numbers(job) + 1)
        if depth == 0:
            return b"1"
        job.spawn([("count", b"%d" % (depth - 1))] * 10, [b"left", b"behind"])
        return None

    with handlers.start(yard.endpoint, threads=2, context=yard.context) as workers:
        assert yard.producer.run("count", b"3", timeout=WATCHDOG) == [b"1111"]
        counted = yard.queue.counters()
        assert (counted["accepted"], counted["delivered"], counted["held"]) == (1111, 1111, 0)
        assert yard.queue.workers() == 1
        assert yard.queue.queues()[0]["delivered"] == yard.producer.queues(WATCHDOG)[0]["delivered"] == 1111
        assert workers.counters()["spawned"] == 111
        workers.leave()


def test_what_children_came_to(yard: Yard) -> None:
    worker = yard.worker()
    watch = yard.producer.submit("x", b"root")
    worker.next(WATCHDOG).spawn(
        [
            Child("x", b"done", attempts=1),
            Child("x", b"passed", on_failure="pass", attempts=1),
            Child("x", [b"ig", b"nored"], on_failure="ignore", attempts=1),
            Child("x", b"alone", detached=True),
        ],
        ordered=True,
    )
    seen = []
    while not (job := worker.next(WATCHDOG)).resumed:
        seen.append(b"".join(job.body))
        if job.body == [b"passed"]:
            job.fail(7, [b"no", b"way"])
        elif len(job.body) == 2:
            job.fail(8)
        else:
            job.complete(job.body)
    assert sorted(seen) == [b"alone", b"done", b"ignored", b"passed"]
    done, passed, ignored = job.results
    assert done == [b"done"] and ignored is None
    assert isinstance(passed, zpatterns.JobFailed)
    assert (passed.worker_code, passed.body) == (7, [b"no", b"way"]) and "no" in str(passed)
    job.complete()
    assert watch.outcome(WATCHDOG) == []


def test_what_fails_is_tried_again_and_then_a_dead_letter(yard: Yard) -> None:
    worker = yard.worker()
    watch = yard.producer.submit("x", b"hard", attempts=2, backoff=0.01, key="k")
    job = worker.next(WATCHDOG)
    assert (job.tries, job.queue, job.resumed, job.memo, job.results) == (0, "x", False, [], [])
    job.retry(1, b"once more")
    with worker.next(WATCHDOG) as job:
        assert (job.tries, job.id) == (1, job.id)
    with pytest.raises(zpatterns.JobFailed) as failed:
        watch.outcome(WATCHDOG)
    assert failed.value.worker_code == QueueJob.DROPPED
    letters, more = yard.producer.dead(timeout=WATCHDOG)
    assert (letters[0].job, letters[0].queue, letters[0].body, letters[0].key) == (job.id, "x", [b"hard"], b"k")
    assert isinstance(letters[0].failure, zpatterns.JobFailed) and not more
    again = yard.producer.requeue(job.id, WATCHDOG)
    assert again != job.id and worker.next(WATCHDOG).id == again
    with pytest.raises(zpatterns.NotFound):
        yard.producer.requeue(job.id, WATCHDOG)


def test_a_watch_tells_what_happens(yard: Yard) -> None:
    worker = yard.worker()
    with yard.producer.submit("x", b"a", keep=60, key=b"one") as watch:
        accepted = watch.next(WATCHDOG)
        assert isinstance(accepted, Accepted) and not accepted.known
        number = accepted.job
        with pytest.raises(zpatterns.Timeout):
            watch.next(0.01)
        assert yard.producer.submit("x", b"b", key=b"one").next(WATCHDOG) == Accepted(number, True)
        other = yard.producer.watch(number, progress=True)
        assert other.next(WATCHDOG) == Progress(1, 0, 0)
        worker.next(WATCHDOG).spawn([("x", b"c")])
        tree, more = yard.producer.tree(number, timeout=WATCHDOG)
        while len(tree) < 2:
            tree, more = yard.producer.tree(number, timeout=WATCHDOG)
        assert [(job.depth, job.queue) for job in tree] == [(0, "x"), (1, "x")] and not more
        assert (tree[0].state, tree[0].spawned, tree[1].parent) == ("suspended", 1, number)
        for _ in range(2):
            worker.next(WATCHDOG).complete(b"d")
        assert watch.next(WATCHDOG) == Ended([b"d"])
        with pytest.raises(zpatterns.NotFound):
            watch.next()
        events = []
        while not isinstance(event := other.next(WATCHDOG), Ended):
            assert isinstance(event, Progress)
            events.append(event)
        assert event == Ended([b"d"])
    assert yard.producer.result(number, WATCHDOG) == [b"d"]
    with pytest.raises(zpatterns.WrongState):
        yard.producer.cancel(number, WATCHDOG)
    for unknown in (yard.producer.result, yard.producer.tree, yard.producer.cancel):
        with pytest.raises(zpatterns.NotFound):
            unknown(1)


def test_a_cancel_is_heard_by_who_does_the_job(yard: Yard) -> None:
    worker = yard.worker()
    watch = yard.producer.submit("x")
    job = worker.next(WATCHDOG)
    assert not job.withdrawn and not job.wait_withdrawn(0)
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(job.wait_withdrawn, WATCHDOG)
        yard.producer.cancel(job.id, WATCHDOG)
        assert heard.result(WATCHDOG)
    assert job.withdrawn
    with pytest.raises(zpatterns.Cancelled):
        job.complete()
    with pytest.raises(zpatterns.WrongState):
        job.complete()
    assert job.done and not job.withdrawn
    with pytest.raises(zpatterns.Cancelled) as lost:
        watch.outcome(WATCHDOG)
    assert isinstance(lost.value, zpatterns.JobLost)
    assert type(pickle.loads(pickle.dumps(lost.value))) is type(lost.value)


def test_a_job_in_parts(yard: Yard) -> None:
    worker = yard.worker()
    with yard.producer.draft("x", b"never"):
        pass
    draft = yard.producer.draft("x", b"one")
    draft.send_part([b"two", b"three"])
    watch = draft.execute()
    job = worker.next(WATCHDOG)
    assert job.body == [b"one", b"two", b"three"]
    job.complete(b"four")
    assert watch.outcome(WATCHDOG) == [b"four"]
    for over in (draft.execute, lambda: draft.send_part(b"")):
        with pytest.raises(zpatterns.WrongState):
            over()
    assert yard.queue.counters()["accepted"] == 1


def test_many_at_once(yard: Yard) -> None:
    bodies = [b"%d" % number for number in range(10_000)]
    worker = yard.worker(credit=1000)
    jobs = yard.producer.push_many("x", iter(bodies), timeout=WATCHDOG)
    seen: dict[int, bytes] = {}
    while len(seen) < len(bodies):
        with worker.together():
            for job in worker.next_many(1000, WATCHDOG):
                seen[job.id] = job.body[0]
                job.complete()
    assert [seen[job] for job in jobs] == bodies
    assert yard.producer.push_many("x", []) == []


def test_a_full_queue_says_how_many_it_has(context: zpatterns.Context) -> None:
    yard = Yard(context, max_jobs=3)
    with pytest.raises(zpatterns.Full) as full:
        yard.producer.push_many("x", [b""] * 10, timeout=WATCHDOG)
    assert full.value.context["accepted"] == "3"
    with pytest.raises(zpatterns.Full):
        yard.producer.push("x", timeout=WATCHDOG)


def test_orders_and_a_store(context: zpatterns.Context, tmp_path: Path) -> None:
    options: dict[str, Any] = {"store": tmp_path / "jobs", "order": "priority", "orders": {"last": "lifo"}}
    yard = Yard(context, **options)
    for priority in (1, 3, 2):
        yard.producer.push("x", b"%d" % priority, priority=priority, timeout=WATCHDOG)
    yard.producer.push_many("last", [b"a", b"b"], timeout=WATCHDOG)
    with pytest.raises(zpatterns.WrongState):
        Queue("tcp://127.0.0.1:0", context=context, store=tmp_path / "jobs")
    yard.queue.close()
    again = Queue(yard.endpoint, context=context, **options)
    assert again.counters()["waiting"] == 5
    worker = yard.worker("x", "last", credit=1)
    done = []
    for _ in range(5):
        job = worker.next(WATCHDOG)
        done.append((job.queue, job.body[0]))
        job.complete()
    assert [body for queue, body in done if queue == "x"] == [b"3", b"2", b"1"]
    assert [body for queue, body in done if queue == "last"] == [b"b", b"a"]


def test_handlers_say_what_went_wrong(yard: Yard, caplog: pytest.LogCaptureFixture) -> None:
    handlers = Handlers()

    @handlers("words")
    def words(job: QueueJob) -> None:
        raise zpatterns.JobFailed("no such word")

    @handlers("fault")
    def fault(job: QueueJob) -> list[bytes]:
        if job.tries == 0:
            raise ValueError("at first")
        return [b"then", b"it", b"works"]

    @handlers("nothing")
    def nothing(job: QueueJob) -> None:
        pass

    @handlers("late")
    def late(job: QueueJob) -> bytes:
        assert job.wait_withdrawn(WATCHDOG)
        return b"of no use"

    with handlers.start(yard.endpoint, threads=4, context=yard.context):
        with pytest.raises(zpatterns.JobFailed, match="no such word"):
            yard.producer.run("words", timeout=WATCHDOG)
        assert yard.producer.run("fault", timeout=WATCHDOG, backoff=0.01) == [b"then", b"it", b"works"]
        assert "at first" in caplog.text and "late" not in caplog.text
        assert yard.producer.run("nothing", timeout=WATCHDOG) == []
        watch = yard.producer.submit("late", attempts=1)
        accepted = watch.next(WATCHDOG)
        assert isinstance(accepted, Accepted)
        while yard.queue.counters()["running"] == 0:
            pass
        yard.producer.cancel(accepted.job, WATCHDOG)
        assert yard.producer.run("nothing", timeout=WATCHDOG) == []
    assert "of no use" not in caplog.text


def test_leaving_and_draining(yard: Yard) -> None:
    worker = yard.worker()
    yard.producer.push_many("x", [b""] * 3, timeout=WATCHDOG)
    jobs = [worker.next(WATCHDOG) for _ in range(3)]
    with ThreadPoolExecutor(2) as pool:
        rest: Future[list[QueueJob]] = pool.submit(lambda: list(worker))
        worker.leave()
        for job in jobs:
            job.complete()
        assert rest.result(WATCHDOG) == []
        yard.producer.push("x", timeout=WATCHDOG)
        with pytest.raises(zpatterns.Timeout):
            yard.queue.drain(0.01)
        with pytest.raises(zpatterns.Closed):
            yard.producer.push("x", timeout=WATCHDOG)
        drained = pool.submit(yard.queue.drain, WATCHDOG)
        yard.worker().next(WATCHDOG).complete()
        drained.result(WATCHDOG)
    assert yard.queue.counters()["held"] == 0


def test_closing_ends_every_wait(context: zpatterns.Context) -> None:
    yard = Yard(context)
    worker, watch = yard.worker(), yard.producer.submit("y")
    nowhere = Producer(NOWHERE, context=context)
    with ThreadPoolExecutor(6) as pool:
        waits = [
            pool.submit(call)
            for call in (worker.next, watch.outcome, lambda: nowhere.push("x"), lambda: nowhere.push_many("x", [b""]))
        ]
        ends: list[Future[Any]] = [pool.submit(lambda: list(worker)), pool.submit(yard.queue.wait)]
        threading.Event().wait(0.15)
        context.close()
        for wait in waits:
            assert isinstance(wait.exception(WATCHDOG), zpatterns.Closed)
        assert [end.result(WATCHDOG) for end in ends] == [[], None]
    assert worker.closed and yard.producer.closed and yard.queue.closed
    for closed in (watch.next, yard.producer.queues, worker.leave, lambda: yard.producer.draft("x")):
        with pytest.raises(zpatterns.Closed):
            closed()


def test_what_a_closed_worker_held_goes_to_another(yard: Yard) -> None:
    watch = yard.producer.submit("x")
    with yard.worker() as first:
        job = first.next(WATCHDOG)
    assert job.done and not job.withdrawn and not job.wait_withdrawn(WATCHDOG)
    for call in (job.complete, lambda: job.fail(1), lambda: job.spawn([])):
        with pytest.raises(zpatterns.Closed):
            call()
    yard.worker().next(WATCHDOG).complete(b"second")
    assert watch.outcome(WATCHDOG) == [b"second"]
    assert yard.queue.counters()["redelivered"] == 1


def test_options_have_names_and_ranges(context: zpatterns.Context) -> None:
    made: list[tuple[Any, type[Any]]] = [
        (lambda **options: Queue("tcp://127.0.0.1:0", context=context, **options), zqueue.QueueOptions),
        (lambda **options: Producer(NOWHERE, context=context, **options), zqueue.ProducerOptions),
        (lambda **options: QueueWorker(NOWHERE, "x", context=context, **options), zqueue.QueueWorkerOptions),
        (lambda **options: Producer(NOWHERE, context=context).submit("x", **options), zqueue.JobOptions),
        (lambda **options: Child("x", **options), zqueue.ChildOptions),
    ]
    for make, options in made:
        make(**dict.fromkeys(options.__annotations__))
        for name in options.__annotations__:
            with pytest.raises((zpatterns.InvalidArgument, TypeError)):
                make(**{name: object()})
        with pytest.raises(zpatterns.InvalidArgument, match="no_such"):
            make(no_such=1)


def test_mistakes_have_a_kind(yard: Yard) -> None:
    mistakes: list[tuple[type[Exception], Any]] = [
        (zpatterns.InvalidEndpoint, lambda: Producer("nowhere", context=yard.context)),
        (zpatterns.InvalidArgument, lambda: QueueWorker([], "x", context=yard.context)),
        (zpatterns.InvalidArgument, lambda: QueueWorker(NOWHERE, [], context=yard.context)),
        (zpatterns.InvalidArgument, lambda: QueueWorker(NOWHERE, "x", context=yard.context, credit=0)),
        (zpatterns.InvalidArgument, lambda: yard.producer.push("", b"")),
        (zpatterns.InvalidArgument, lambda: yard.producer.push("x" * 256, b"")),
        (zpatterns.InvalidArgument, lambda: yard.producer.push("x", b"", attempts=0)),
        (zpatterns.InvalidArgument, lambda: yard.producer.push("x", b"", key="k" * 256)),
        (zpatterns.InvalidArgument, lambda: yard.producer.push_many("", [b""])),
        (zpatterns.InvalidArgument, lambda: yard.producer.push("x", delay=-1)),
        (zpatterns.InvalidArgument, lambda: Child("x", on_failure="shrug")),  # type: ignore[arg-type]
        (TypeError, lambda: yard.producer.push("x", "text")),  # type: ignore[arg-type]
        (TypeError, lambda: yard.producer.push_many("x", [1])),  # type: ignore[list-item]
        (OverflowError, lambda: yard.producer.result(-1)),
    ]
    for kind, mistake in mistakes:
        with pytest.raises(kind):
            mistake()
    yard.producer.push("x", timeout=WATCHDOG)
    job = yard.worker().next(WATCHDOG)
    for children in (1, [1], [("x",)], [("x", "text")]):
        with pytest.raises((TypeError, ValueError)):
            job.spawn(children)  # type: ignore[arg-type]
    for wrong in (("", b""), Child("x", attempts=0)):
        with pytest.raises(zpatterns.InvalidArgument):
            job.spawn([wrong])
    job.complete()  # Nothing was said of it.


def test_a_program_may_end_with_everything_open(tmp_path: Path) -> None:
    program = """
        from zpatterns.zqueue import Handlers, Producer, Queue
        handlers = Handlers()
        @handlers("x")
        def x(job):
            return job.body
        queue = Queue("tcp://127.0.0.1:0")
        workers = handlers.start(queue.endpoints[0], threads=3)
        producer = Producer(queue.endpoints[0])
        watch, draft = producer.submit("y"), producer.draft("x")
        print(producer.run("x", b"done", timeout=30))
    """
    assert run(program, tmp_path) == (0, "[b'done']\n", "")
