"""The job queue in the peer, with blocking calls or with asyncio."""

import asyncio
import contextlib
import threading

import zpatterns
from words import flat, line, seconds, split, tohex, unhex
from zpatterns import aio, zqueue


def text(word):
    return unhex(word).decode()


def truth(value):
    return str(bool(value)).lower()


def code_of(error):
    return error.worker_code if isinstance(error, zpatterns.JobFailed) else 0


def failed(error):
    """Why a job was not done."""
    body = error.body if isinstance(error, zpatterns.JobFailed) else []
    return f"result=failed error={error.kind} code={code_of(error)} body={line(body, ',')}"


def result(came):
    return failed(came) if isinstance(came, zpatterns.Error) else f"result=done body={line(came, ',')}"


def came(outcome):
    match outcome:
        case None:
            return "nothing"
        case zpatterns.Error():
            return f"failed:{outcome.kind}:{code_of(outcome)}"
    return f"done:{line(outcome, '+')}"


def event(told):
    match told:
        case zqueue.Accepted(job, known):
            return f"event=accepted id={job} known={truth(known)}"
        case zqueue.Progress(still_open, done, lost):
            return f"event=progress open={still_open} done={done} failed={lost}"
    return f"event=ended {result(told.result)}"


# A job that failed is an answer, not an error of the command; what the wait or the queue says is an error.
JOB_ERRORS = (zpatterns.JobFailed, zpatterns.JobLost)


def look(queues):
    sums = (f"{name}={sum(queue[name] for queue in queues)}" for name in ("waiting", "running", "delivered", "lost"))
    return f"names={line([queue['name'].encode() for queue in queues], ',')} {' '.join(sums)}"


def tree(jobs, more):
    states = ("waiting", "delayed", "running", "suspended")
    counts = " ".join(f"{state}={sum(job.state == state for job in jobs)}" for state in states)
    return f"jobs={len(jobs)} more={truth(more)} depth={max(job.depth for job in jobs)} {counts}"


def dead(letters, more):
    if not letters:
        return f"letters=0 more={truth(more)}"
    first = letters[0]
    facts = f"id={first.job} queue={tohex(first.queue.encode())} body={line(first.body, ',')} key={tohex(first.key)}"
    why = f"error={first.failure.kind} code={code_of(first.failure)}"
    return f"letters={len(letters)} more={truth(more)} {facts} {why}"


def children(options, given):
    for word in given:
        queue, policy, *body = (unhex(frame) for frame in word.split(","))
        how = {"detached": True} if policy == b"alone" else {"on_failure": policy.decode()}
        yield zqueue.Child(queue.decode(), body, **how, **options)


def recurse(job):
    """What `work` does."""
    deep, wide = map(int, job.body[0].split())
    with contextlib.suppress(zpatterns.Cancelled):
        if job.resumed:
            assert job.memo == [b"left"], "the memo comes back"
            job.complete(b"%d" % (1 + sum(int(done[0]) for done in job.results)))
        elif deep == 0:
            job.complete(b"1")
        else:
            job.spawn([zqueue.Child(job.queue, b"%d %d" % (deep - 1, wide))] * wide, b"left")


class Zqueue:
    """Commands, as those of Peer."""

    def open_yard(self):
        self.yard, self.watches, self.drafts, self.taken, self.working = {}, {}, {}, {}, []

    def do_queue(self, name, endpoints, *words):
        queue = self.yard[name] = self.queue_module().Queue(endpoints.split(","), **split(words)[0])
        return ",".join(queue.endpoints)

    def queue_module(self):
        return zqueue

    def do_queue_workers(self, name):
        return str(self.yard[name].workers())

    def do_queue_counters(self, name):
        return flat(self.yard[name].counters())

    do_worker_counters = do_queue_counters

    def do_queue_drain(self, name, timeout):
        self.yard[name].drain(seconds(timeout))

    def do_producer(self, name, endpoint, *words):
        self.yard[name] = self.queue_module().Producer(endpoint, **split(words)[0])

    def do_push(self, name, queue, timeout, *words):
        options, body = split(words)
        return str(self.yard[name].push(text(queue), body, timeout=seconds(timeout), **options))

    def do_push_many(self, name, queue, count, timeout, *words):
        bodies = (b"%d" % number for number in range(int(count)))
        jobs = self.yard[name].push_many(text(queue), bodies, timeout=seconds(timeout), **split(words)[0])
        return str(len(jobs))

    def do_run(self, name, queue, timeout, *words):
        options, body = split(words)
        return self.came_to(lambda: self.yard[name].run(text(queue), body, timeout=seconds(timeout), **options))

    def came_to(self, call):
        try:
            return result(call())
        except JOB_ERRORS as error:
            return failed(error)

    def do_submit(self, name, watch, queue, *words):
        options, body = split(words)
        self.watches[watch] = self.yard[name].submit(text(queue), body, **options)

    def do_watch(self, name, watch, job, progress):
        self.watches[watch] = self.yard[name].watch(int(job), progress == "true")

    def do_watched(self, watch, timeout):
        return event(self.watches[watch].next(seconds(timeout)))

    def do_outcome(self, watch, timeout):
        return self.came_to(lambda: self.watches[watch].outcome(seconds(timeout)))

    def do_draft(self, name, draft, queue, *words):
        options, body = split(words)
        self.drafts[draft] = self.yard[name].draft(text(queue), body, **options)

    def do_draft_part(self, draft, *frames):
        self.drafts[draft].send_part([unhex(frame) for frame in frames])

    def do_draft_execute(self, draft, watch):
        self.watches[watch] = self.drafts[draft].execute()

    def do_draft_drop(self, draft):
        with self.drafts.pop(draft):
            pass

    def do_result(self, name, job, timeout):
        return self.came_to(lambda: self.yard[name].result(int(job), seconds(timeout)))

    def do_cancel_job(self, name, job, timeout):
        self.yard[name].cancel(int(job), seconds(timeout))

    def do_requeue(self, name, job, timeout):
        return str(self.yard[name].requeue(int(job), seconds(timeout)))

    def do_queues(self, name, timeout):
        return look(self.yard[name].queues(seconds(timeout)))

    def do_tree(self, name, job, most, timeout):
        return tree(*self.yard[name].tree(int(job), int(most), seconds(timeout)))

    def do_dead(self, name, most, timeout):
        return dead(*self.yard[name].dead(0, int(most), seconds(timeout)))

    def do_queue_worker(self, name, queues, endpoints, *words):
        queues = [text(queue) for queue in queues.split(",")]
        self.yard[name] = self.queue_module().QueueWorker(endpoints.split(","), queues, **split(words)[0])

    def do_take(self, name, job, timeout):
        return self.take(job, self.yard[name].next(seconds(timeout)))

    def take(self, name, job):
        self.taken[name] = job
        facts = f"id={job.id} queue={tohex(job.queue.encode())} body={line(job.body, ',')} tries={job.tries}"
        return f"{facts} resumed={truth(job.resumed)} memo={line(job.memo, ',')} results={','.join(map(came, job.results))}"

    def do_complete(self, job, *frames):
        self.taken[job].complete([unhex(frame) for frame in frames])

    def do_retry(self, job, code, *frames):
        self.taken[job].retry(int(code), [unhex(frame) for frame in frames])

    def do_fail(self, job, code, *frames):
        self.taken[job].fail(int(code), [unhex(frame) for frame in frames])

    def do_spawn(self, job, ordered, memo, *words):
        options, _ = split([word for word in words if "=" in word])
        given = children(options, [word for word in words if "=" not in word])
        self.taken[job].spawn(given, [] if memo == "-" else unhex(memo), ordered=ordered == "true")

    def do_drop(self, job):
        with self.taken.pop(job):
            pass

    def do_withdrawn(self, job, timeout):
        if not self.taken[job].wait_withdrawn(seconds(timeout)):
            raise zpatterns.Timeout("somebody wants the job")

    def do_work(self, name):
        def work():
            for job in self.yard[name]:
                # A worker that is closed has lost it.
                with contextlib.suppress(zpatterns.Closed):
                    recurse(job)

        self.working.append(threading.Thread(target=work))
        self.working[-1].start()

    def do_queue_leave(self, name):
        self.yard[name].leave()

    def do_queue_end(self, name):
        self.yard[name].close()

    def reset_yard(self):
        for handle in self.yard.values():
            handle.close()
        for thread in self.working:
            thread.join()
        self.open_yard()


class AsyncZqueue(Zqueue):
    def queue_module(self):
        return aio

    async def do_queue_drain(self, name, timeout):
        await asyncio.wait_for(self.yard[name].drain(), seconds(timeout))

    async def do_push(self, name, queue, timeout, *words):
        options, body = split(words)
        return str(await asyncio.wait_for(self.yard[name].push(text(queue), body, **options), seconds(timeout)))

    async def do_push_many(self, name, queue, count, timeout, *words):
        bodies = (b"%d" % number for number in range(int(count)))
        pushed = self.yard[name].push_many(text(queue), bodies, **split(words)[0])
        return str(len(await asyncio.wait_for(pushed, seconds(timeout))))

    async def do_run(self, name, queue, timeout, *words):
        options, body = split(words)
        return await self.came_to(self.yard[name].run(text(queue), body, **options), timeout)

    async def came_to(self, call, timeout):
        try:
            return result(await asyncio.wait_for(call, seconds(timeout)))
        except JOB_ERRORS as error:
            return failed(error)

    async def do_watched(self, watch, timeout):
        return event(await asyncio.wait_for(self.watches[watch].next(), seconds(timeout)))

    async def do_outcome(self, watch, timeout):
        return await self.came_to(self.watches[watch].outcome(), timeout)

    async def do_result(self, name, job, timeout):
        return await self.came_to(self.yard[name].result(int(job)), timeout)

    async def do_cancel_job(self, name, job, timeout):
        await asyncio.wait_for(self.yard[name].cancel(int(job)), seconds(timeout))

    async def do_requeue(self, name, job, timeout):
        return str(await asyncio.wait_for(self.yard[name].requeue(int(job)), seconds(timeout)))

    async def do_queues(self, name, timeout):
        return look(await asyncio.wait_for(self.yard[name].queues(), seconds(timeout)))

    async def do_tree(self, name, job, most, timeout):
        return tree(*await asyncio.wait_for(self.yard[name].tree(int(job), int(most)), seconds(timeout)))

    async def do_dead(self, name, most, timeout):
        return dead(*await asyncio.wait_for(self.yard[name].dead(0, int(most)), seconds(timeout)))

    async def do_take(self, name, job, timeout):
        return self.take(job, await asyncio.wait_for(self.yard[name].next(), seconds(timeout)))

    async def do_withdrawn(self, job, timeout):
        worker = next(handle for handle in self.yard.values() if isinstance(handle, aio.QueueWorker))
        if not await asyncio.wait_for(worker.wait_withdrawn(self.taken[job]), seconds(timeout)):
            raise zpatterns.Timeout("somebody wants the job")

    def do_work(self, name):
        async def work():
            async for job in self.yard[name]:
                with contextlib.suppress(zpatterns.Closed):
                    recurse(job)

        self.working.append(asyncio.ensure_future(work()))

    async def reset_yard(self):
        for handle in self.yard.values():
            handle.close()
        await asyncio.gather(*self.working, return_exceptions=True)
        self.open_yard()
