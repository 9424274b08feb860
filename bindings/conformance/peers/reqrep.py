"""Reliable request-reply in the peer: clients, workers, jobs and brokers, with blocking calls or with asyncio."""

import asyncio
import contextlib
import threading

import zpatterns
from words import flat, line, seconds, split, tohex, unhex
from zpatterns import aio, reqrep


def reply(body):
    return f"outcome=reply body={line(body, ',')}"


@contextlib.contextmanager
def outcomes(told):
    """How a request ended if it did not with a reply: appended to what is told."""
    try:
        yield
    except zpatterns.JobFailed as error:
        told.append(f"outcome=error code={error.worker_code} body={line(error.body, ',')}")
    except zpatterns.RequestFailed as error:
        told.append(f"outcome=failed kind={error.kind} may_have_run={str(error.may_have_run).lower()}")


def outcome(call, shown=reply):
    told = []
    with outcomes(told):
        told.append(shown(call()))
    return told[0]


def stored(_):
    return "outcome=accepted"


class Reqrep:
    """Commands, as those of Peer."""

    abilities = ("cancel-verdict", "answered-job")
    module = reqrep

    def __init__(self):
        self.handles, self.jobs, self.asked, self.serving, self.last_run = {}, {}, {}, [], 0
        self.many = {}

    def do_broker(self, name, endpoints, *words):
        broker = self.handles[name] = self.module.Broker(endpoints.split(","), **split(words)[0])
        return ",".join(broker.endpoints)

    def do_worker(self, name, service, endpoints, *words):
        options = split(words)[0]
        self.handles[name] = self.module.Worker(unhex(service).decode(), connect=endpoints.split(","), **options)

    def do_server(self, name, service, endpoint, *words):
        options = split(words)[0]
        worker = self.handles[name] = self.module.Worker(unhex(service).decode(), bind=endpoint, **options)
        return worker.endpoint

    def do_client(self, name, endpoints, *words):
        self.handles[name] = self.module.Client(endpoints.split(","), **split(words)[0])

    def do_request(self, name, service, *words):
        options, body = split(words)
        return outcome(lambda: self.handles[name].request(unhex(service).decode(), body, **options))

    def do_ask(self, name, request, service, *words):
        options, body = split(words)
        self.asked[request] = self.handles[name].submit(unhex(service).decode(), body, **options)

    do_stream = do_ask

    def do_answer(self, name, request, timeout):
        return outcome(lambda: self.handles[name].wait(self.asked[request], seconds(timeout)))

    def do_part(self, name, request, timeout):
        return outcome(lambda: self.handles[name].wait(self.asked[request], seconds(timeout)), self.part)

    def part(self, answer):
        """The last of an answer is a list."""
        if isinstance(answer, reqrep.Part):
            self.last_run, answer = answer
        return f"run={self.last_run} body={line(answer, ',')}"

    def do_take_back(self, name, request):
        self.handles[name].cancel(self.asked[request])

    def do_store(self, name, service, *words):
        options, body = split(words)
        return outcome(lambda: self.handles[name].store(unhex(service).decode(), body, **options), stored)

    def do_fetch(self, name, service, key, patience):
        client, service = self.handles[name], unhex(service).decode()
        return outcome(lambda: client.fetch(service, unhex(key), patience=seconds(patience)))

    def do_discard(self, name, service, key, patience):
        client, service = self.handles[name], unhex(service).decode()
        return outcome(lambda: client.discard(service, unhex(key), patience=seconds(patience)), stored)

    def do_ask_many(self, name, service, count, *words):
        client, service, options = self.handles[name], unhex(service).decode(), split(words)[0]
        for number in range(int(count)):
            body = b"%d" % number
            self.many[client.post(service, body, **options, key=body)] = body

    def do_answers(self, name, count, timeout):
        equal = rest = int(count)
        while rest > 0:
            for ticket, answer in self.handles[name].next_many(rest, seconds(timeout)):
                equal -= answer != [self.many.pop(ticket)]
                rest -= 1
        return f"equal={equal} others={int(count) - equal}"

    def do_job(self, name, job, timeout):
        return self.took(job, self.handles[name].next(seconds(timeout)))

    def took(self, name, job):
        self.jobs[name] = job
        return f"service={tohex(job.service.encode())} key={tohex(job.key)} body={line(job.body, ',')}"

    def do_job_partial(self, job, *frames):
        self.jobs[job].send_partial([unhex(frame) for frame in frames])

    def do_job_reply(self, job, *frames):
        self.jobs[job].reply([unhex(frame) for frame in frames])

    def do_job_fail(self, job, code, *frames):
        self.jobs[job].fail(int(code), [unhex(frame) for frame in frames])

    def do_job_drop(self, job):
        with self.jobs.pop(job):
            pass

    def do_job_cancelled(self, job, timeout):
        if not self.jobs[job].wait_cancelled(seconds(timeout)):
            raise zpatterns.Timeout("somebody waits for the answer")

    def do_serve(self, name, count):
        """Answers so many jobs with their questions, in the background; below 0, all."""
        worker, count = self.handles[name], int(count)

        def work():
            rest = count
            with contextlib.suppress(zpatterns.Closed):
                while rest != 0:
                    rest -= 1
                    job = worker.next()
                    job.reply(job.body)

        self.serving.append(threading.Thread(target=work))
        self.serving[-1].start()

    def do_leave(self, name):
        self.handles[name].leave()

    def do_drain(self, name, timeout):
        self.handles[name].drain(seconds(timeout))

    def do_workers(self, name):
        return str(self.handles[name].workers())

    def do_news(self, name, timeout):
        return self.news(self.handles[name].next(seconds(timeout)))

    def news(self, told):
        facts = f"requests={told.requests} left={str(told.left).lower()} reason={told.reason or '-'} missed={told.missed}"
        return f"kind={told.kind} service={tohex(told.service.encode())} worker={told.worker} {facts}"

    def do_counters(self, name):
        return flat(self.handles[name].counters())

    def do_end(self, name):
        self.handles[name].close()

    def reset_reqrep(self):
        for handle in self.handles.values():
            handle.close()
        for thread in self.serving:
            thread.join()
        Reqrep.__init__(self)


class AsyncReqrep(Reqrep):
    abilities = ("answered-job",)
    module = aio

    async def do_request(self, name, service, *words):
        options, body = split(words)
        return await self.told(self.handles[name].request(unhex(service).decode(), body, **options))

    async def told(self, awaitable, shown=reply):
        told = []
        with outcomes(told):
            told.append(shown(await awaitable))
        return told[0]

    def do_ask(self, name, request, service, *words):
        options, body = split(words)
        call = self.handles[name].request(unhex(service).decode(), body, **options)
        self.asked[request] = asyncio.ensure_future(call)

    async def do_answer(self, name, request, timeout):
        task = self.asked[request]
        done, _ = await asyncio.wait([task], timeout=seconds(timeout))
        if not done:
            raise zpatterns.Timeout("there is no answer yet")
        # Who cancels a task is not told more.
        return "outcome=failed kind=Cancelled" if task.cancelled() else await self.told(task)

    def do_take_back(self, name, request):
        self.asked[request].cancel()

    def do_stream(self, name, request, service, *words):
        """Asks for the first part, because nothing is asked before that."""
        options, body = split(words)
        stream = self.handles[name].stream(unhex(service).decode(), body, **options)
        self.asked[request] = (stream, asyncio.ensure_future(anext(stream)))

    async def do_part(self, name, request, timeout):
        stream, next_part = self.asked[request]
        try:
            text = await self.told(asyncio.wait_for(next_part, seconds(timeout)), self.part)
        except StopAsyncIteration:
            raise zpatterns.NotFound("the answer is complete") from None
        self.asked[request] = (stream, asyncio.ensure_future(anext(stream)))
        return text

    async def do_store(self, name, service, *words):
        options, body = split(words)
        return await self.told(self.handles[name].store(unhex(service).decode(), body, **options), stored)

    async def do_fetch(self, name, service, key, patience):
        client, service = self.handles[name], unhex(service).decode()
        return await self.told(client.fetch(service, unhex(key), patience=seconds(patience)))

    async def do_discard(self, name, service, key, patience):
        client, service = self.handles[name], unhex(service).decode()
        return await self.told(client.discard(service, unhex(key), patience=seconds(patience)), stored)

    def do_ask_many(self, name, service, count, *words):
        client, service, options = self.handles[name], unhex(service).decode(), split(words)[0]
        for number in range(int(count)):
            body = b"%d" % number
            task = asyncio.ensure_future(client.request(service, body, **options, key=body))
            self.many[task] = body

    async def do_answers(self, name, count, timeout):
        equal = rest = int(count)
        while rest > 0:
            done, _ = await asyncio.wait(self.many, timeout=seconds(timeout), return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise zpatterns.Timeout("there are no more answers yet")
            for task in list(done)[:rest]:
                equal -= task.exception() is not None or task.result() != [self.many[task]]
                del self.many[task]
                rest -= 1
        return f"equal={equal} others={int(count) - equal}"

    async def do_job(self, name, job, timeout):
        return self.took(job, await asyncio.wait_for(self.handles[name].next(), seconds(timeout)))

    async def do_job_cancelled(self, job, timeout):
        worker = next(handle for handle in self.handles.values() if isinstance(handle, aio.Worker))
        if not await asyncio.wait_for(worker.wait_cancelled(self.jobs[job]), seconds(timeout)):
            raise zpatterns.Timeout("somebody waits for the answer")

    def do_serve(self, name, count):
        async def work():
            rest = int(count)
            with contextlib.suppress(zpatterns.Closed):
                while rest != 0:
                    rest -= 1
                    job = await self.handles[name].next()
                    job.reply(job.body)

        self.serving.append(asyncio.ensure_future(work()))

    async def do_drain(self, name, timeout):
        await asyncio.wait_for(self.handles[name].drain(), seconds(timeout))

    async def do_news(self, name, timeout):
        return self.news(await asyncio.wait_for(self.handles[name].next(), seconds(timeout)))

    async def reset_reqrep(self):
        streams = [pending[1] for pending in self.asked.values() if isinstance(pending, tuple)]
        tasks = [*(task for task in self.asked.values() if not isinstance(task, tuple)), *self.many, *streams]
        for handle in self.handles.values():
            handle.close()
        await asyncio.gather(*tasks, *self.serving, return_exceptions=True)
        Reqrep.__init__(self)
