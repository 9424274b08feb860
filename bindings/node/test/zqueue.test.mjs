/** Jobs end as they should: done, failed with a reason, cancelled; whole trees of them, too. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Context, JobFailed, Producer, Queue, QueueJob, RequestFailed, ZpatternsError } from 'zpatterns';
import { patiently, refused } from './helpers.mjs';
import { gone } from './town.mjs';
import { labour, producer, queue, until, worker, yard } from './yard.mjs';

test('a job is pushed, done, and told of', async (t) => {
  const { queue, worker, producer } = yard(t);
  const working = labour(worker, (job) => {
    assert.ok(job.id > 0 && job.tries === 0 && !job.resumed && !job.answered && !job.withdrawn);
    assert.deepEqual([job.memo, job.results], [[], []]);
    job.complete([...job.body, job.queue]);
    assert.ok(job.answered && !job.withdrawn);
  });
  const body = ['Grüße', Buffer.from('x'), ''];
  assert.deepEqual((await producer.run('jobs', body)).map(String), ['Grüße', 'x', '', 'jobs']);
  assert.deepEqual((await producer.run('jobs')).map(String), ['jobs']);
  const job = await producer.push('jobs', 'kept', { keep: 60_000 });
  assert.ok(Number.isSafeInteger(job) && job > 0);
  assert.deepEqual((await producer.result(job)).map(String), ['kept', 'jobs']);
  const { accepted, delivered, held, kept } = queue.counters();
  assert.deepEqual([accepted, delivered, held, kept], [3, 3, 0, 1]);
  const [{ name, workers, waiting }] = queue.queues();
  assert.deepEqual([name, workers, waiting, queue.workers()], ['jobs', 1, 0, 1]);
  assert.deepEqual((await producer.queues()).map(({ name }) => name), ['jobs']);
  worker.leave();
  await working;
  await queue.drain(patiently);
  await refused('Timeout', queue.wait({ timeout: 1 }));
});

test('many jobs are pushed, in order', async (t) => {
  const { queue, worker, producer } = yard(t, { queue: { order: 'fifo' } });
  const numbers = Array.from({ length: 20_000 }, (_, index) => index);
  let read = 0;
  const bodies = (function* () {
    for (read = 0; read < numbers.length; read++) yield String(read);
  })();
  const jobs = await producer.pushMany('jobs', bodies);
  assert.deepEqual([jobs.length, new Set(jobs).size, read], [20_000, 20_000, 20_000]);
  assert.ok(jobs.every((job, index) => index === 0 || job > jobs[index - 1]));
  assert.deepEqual(await producer.pushMany('jobs', []), []);
  const done = [];
  for (const _ of numbers) {
    const job = await worker.next(patiently);
    done.push(Number(job.body[0]));
    job.complete();
  }
  assert.deepEqual(done, numbers);
  await until(() => queue.counters().delivered === 20_000);
  assert.equal(worker.counters().completed, 20_000);
});

test('of many jobs it is known how many were accepted', async (t) => {
  const { producer: asker, queue: middle } = yard(t, { queue: { maxJobs: 3 }, producer: { maxCalls: 2 } });
  const full = await refused('Full', asker.pushMany('other', ['a', 'b', 'c', 'd', 'e']));
  assert.equal(full.context.accepted, '3');
  const wrong = await refused('InvalidArgument', producer(t, middle.endpoints[0]).pushMany('other', [5]));
  assert.equal(wrong.context.accepted, '0');
  const abort = new AbortController();
  const alone = producer(t, 'tcp://127.0.0.1:9');
  const waiting = refused('Cancelled', alone.pushMany('other', ['x'], { signal: abort.signal }));
  abort.abort(new Error('enough'));
  assert.equal((await waiting).cause.message, 'enough');
  const broken = function* () {
    yield 'x';
    throw new Error('no more');
  };
  await assert.rejects(asker.pushMany('other', broken()), (error) => /no more/.test(error) || error.code === 'Full');
  for (const bad of ['text', 5, null]) await refused('InvalidArgument', asker.pushMany('other', bad));
});

test("a worker's own failure has its code and its body", async (t) => {
  const { worker, producer } = yard(t);
  labour(worker, (job) => job.fail(7, 'no\nway', Buffer.from('data')));
  const error = await refused('JobFailed', producer.run('jobs'));
  assert.ok(error instanceof JobFailed && error instanceof RequestFailed && error instanceof ZpatternsError);
  assert.deepEqual([error.workerCode, error.body.map(String)], [7, ['no\nway', 'data']]);
  assert.match(error.message, /code 7: no way/);
  const { letters, more } = await producer.dead();
  assert.deepEqual([letters.length, more, letters[0].failure.workerCode], [1, false, 7]);
});

test('a job is tried again as often as it may be', async (t) => {
  const { queue, worker, producer } = yard(t);
  const tries = [];
  labour(worker, (job) => {
    tries.push(job.tries);
    if (String(job.body[0]) === 'never' || job.tries < 2) job.retry(3, 'not yet');
    else job.complete('at last');
  });
  const options = { attempts: 3, backoff: 1 };
  assert.equal(String(await producer.run('jobs', 'later', options)), 'at last');
  assert.equal((await refused('JobFailed', producer.run('jobs', 'never', options))).workerCode, 3);
  assert.deepEqual(tries, [0, 1, 2, 0, 1, 2]);
  const { dead, lost, redelivered } = queue.counters();
  assert.deepEqual([dead, lost.failed, redelivered], [1, 1, 4]);
});

test('dead letters are seen, and tried again', async (t) => {
  const { queue, worker, producer } = yard(t);
  let fails = true;
  labour(worker, (job) => (fails ? job.fail(1, 'broken') : job.complete()));
  const options = { priority: 4, delay: 1, attempts: 2, backoff: 5, timeLimit: 60_000, key: 'a key', keep: 10 };
  await refused('JobFailed', producer.run('jobs', ['some', 'body'], options));
  await refused('JobFailed', producer.run('jobs', 'another'));
  const { letters } = await producer.dead();
  const [{ key, ...rest }] = [letters[0].options];
  // Its time had come.
  assert.deepEqual({ ...rest, key: String(key) }, { ...options, delay: 0 });
  assert.deepEqual([letters[0].queue, letters[0].body.map(String)], ['jobs', ['some', 'body']]);
  assert.ok(letters[0].failure instanceof JobFailed && letters.length === 2);
  assert.deepEqual((await producer.dead(letters[1].job)).letters.length, 1);
  assert.equal((await producer.dead(0, 1)).more, true);
  fails = false;
  const again = await producer.requeue(letters[0].job);
  assert.ok(again > letters[1].job);
  await until(() => queue.counters().delivered === 1);
  assert.equal((await producer.dead()).letters.length, 1);
  await refused('NotFound', producer.requeue(letters[0].job));
});

test('of a key one job is taken', async (t) => {
  const { worker, producer } = yard(t);
  const first = producer.submit('jobs', 'x', { key: Buffer.from('k') });
  const [again, other] = [producer.submit('jobs', 'y', { key: 'k' }), await producer.push('jobs', 'z', { key: 'l' })];
  const job = await first.accepted();
  assert.deepEqual([await again.accepted() === job, other === job], [true, false]);
  labour(worker);
  const events = [];
  for await (const event of again) events.push(event);
  assert.deepEqual(events[0], { kind: 'accepted', job, known: true });
  assert.deepEqual([String(events.at(-1).body), String(await first.outcome())], ['x', 'x']);
});

test('a job is given up, and cancelled', async (t) => {
  const { queue, worker, producer } = yard(t);
  const abort = new AbortController();
  const given = refused('Cancelled', producer.run('jobs', 'x', { signal: abort.signal }));
  const job = await worker.next(patiently);
  abort.abort(new Error('enough'));
  assert.equal((await given).cause.message, 'enough');
  assert.ok(!job.withdrawn);
  job.complete();
  await refused('Cancelled', producer.push('jobs', 'x', { signal: abort.signal }));
  await until(() => queue.counters().delivered === 1);

  const watch = producer.submit('jobs', 'y');
  const doomed = await worker.next(patiently);
  const told = gone(doomed);
  await producer.cancel(await watch.accepted());
  await refused('Cancelled', watch.outcome());
  await told;
  assert.ok(doomed.withdrawn && doomed.signal.reason.code === 'Cancelled' && !doomed.answered);
  doomed.complete('nobody hears');
  await refused('NotFound', producer.cancel(12345));
  await refused('NotFound', producer.result(12345));
  const { lost, delivered } = queue.counters();
  assert.deepEqual([lost.cancelled, delivered, worker.counters().withdrawn], [1, 1, 1]);
});

test('a job that takes too long was not done', async (t) => {
  const { worker, producer } = yard(t);
  const asked = refused('Timeout', producer.run('jobs', 'x', { timeLimit: 50, attempts: 1 }));
  const job = await worker.next(patiently);
  await asked;
  job.complete();
});

test('something is said of a job once, and it is dropped if nothing is', async (t) => {
  const { worker, producer } = yard(t);
  const asked = refused('JobFailed', producer.run('jobs', '', { attempts: 1 }));
  {
    const job = await worker.next(patiently);
    for (const bad of [5, null, ['x', {}]]) await refused('InvalidArgument', () => job.complete(bad));
    for (const bad of [-1, 1.5, 2 ** 32, '7']) {
      await refused('InvalidArgument', () => job.fail(bad));
      await refused('InvalidArgument', () => job.retry(bad));
    }
    const children = [
      5, null, {}, { queue: '' }, { queue: 'x'.repeat(256) }, { queue: 5 }, { queue: 'x', body: 5 },
      { queue: 'x', key: 'k' }, { queue: 'x', attempts: 0 }, { queue: 'x', onFailure: 'nope' },
      { queue: 'x', detached: 1 }, { queue: 'x', delay: -1 },
    ];
    for (const bad of children) await refused('InvalidArgument', () => job.spawn([{ queue: 'jobs' }, bad]));
    await refused('InvalidArgument', () => job.spawn([], [], { order: true }));
    await refused('InvalidArgument', () => job.spawn([], 5));
    assert.ok(!job.answered);
    job[Symbol.dispose]();
    job[Symbol.dispose]();
    for (const late of [() => job.complete(), () => job.retry(1), () => job.fail(1), () => job.spawn([])]) {
      await refused('WrongState', late);
    }
    assert.equal(job.signal.aborted, false);
  }
  assert.equal((await asked).workerCode, QueueJob.DROPPED);
});

test('bad values are errors, never crashes', async (t) => {
  const { producer: asker, queue: middle } = yard(t);
  for (const bad of [5, null, {}, [5], ['x', null]]) await refused('InvalidArgument', asker.push('jobs', bad));
  for (const bad of ['', 'x'.repeat(256), 5, null]) await refused('InvalidArgument', asker.push(bad, 'x'));
  const options = [
    { timeout: 5 }, { priority: 256 }, { priority: -1 }, { delay: 2 ** 32 }, { attempts: 0 }, { attempts: 256 },
    { backoff: 1.5 }, { timeLimit: '5' }, { keep: Number.NaN }, { key: 'x'.repeat(256) }, { key: 5 },
  ];
  for (const bad of options) {
    const error = await refused('InvalidArgument', asker.push('jobs', 'x', bad));
    if (typeof bad.key !== 'number') assert.equal(error.context.option, Object.keys(bad)[0]);
    await refused('InvalidArgument', async () => asker.submit('jobs', 'x', bad).outcome());
  }
  for (const bad of [-1, 1.5, '5', 2 ** 60]) {
    await refused('InvalidArgument', asker.cancel(bad));
    await refused('InvalidArgument', asker.result(bad));
    await refused('InvalidArgument', asker.tree(bad));
    await refused('InvalidArgument', asker.dead(0, bad));
  }
  await refused('InvalidArgument', () => asker.watch(1, { progress: 1 }));
  await refused('InvalidArgument', asker.result(1, { progress: true }));
  await until(() => middle.queues().length >= 0);
  assert.equal(middle.counters().accepted, 0);
  for (const bad of [
    { nope: 1 }, { order: 'nope' }, { orders: 5 }, { orders: { a: 'nope' } }, { orders: { '': 'fifo' } },
    { maxDepth: 70_000 }, { maxJobs: -1 }, { store: 5 }, { heartbeatLimit: 1 },
  ]) {
    await refused('InvalidArgument', () => queue(t, bad));
  }
  for (const bad of [{ nope: 1 }, { patience: -1 }, { maxCalls: 'x' }, { heartbeatInterval: 0 }]) {
    await refused('InvalidArgument', () => producer(t, middle.endpoints[0], bad));
  }
  for (const bad of [{ credit: 0 }, { nope: 1 }]) {
    await refused('InvalidArgument', () => worker(t, middle.endpoints, 'x', bad));
  }
  for (const bad of ['', [], ['x', ''], 5]) await refused('InvalidArgument', () => worker(t, middle.endpoints, bad));
  await refused('InvalidEndpoint', () => producer(t, 'x'));
  await refused('InvalidArgument', () => new Producer(5));
  await refused('InvalidArgument', () => new Queue([]));
  await refused('AddressInUse', () => new Queue(middle.endpoints));
});

test('closed is closed, and twice is fine', async (t) => {
  const { producer, worker, queue } = yard(t, { worker: { credit: 1 } });
  const ended = queue.wait();
  const job = await producer.push('jobs', 'x');
  const held = await worker.next(patiently);
  const draft = producer.draft('other');
  const watch = producer.watch(job);
  const waits = [
    producer.run('other'), watch.outcome(), watch[Symbol.asyncIterator]().next(), worker.next(), producer.result(job),
  ];
  await until(() => queue.counters().accepted === 2);
  for (const handle of [producer, worker]) {
    handle.close();
    handle[Symbol.dispose]();
    await handle[Symbol.asyncDispose]();
    assert.ok(handle.closed);
  }
  const [run, outcome, next, job2, result] = waits;
  for (const wait of [run, outcome, job2, result]) await refused('Closed', wait);
  assert.deepEqual(await next, { value: undefined, done: true });
  for (const late of [
    () => producer.push('jobs'), () => producer.pushMany('jobs', ['x']), () => producer.run('jobs'),
    () => producer.submit('jobs'), () => producer.draft('jobs'), () => producer.watch(1), () => producer.cancel(1),
    () => producer.queues(), () => worker.next(), () => worker.leave(), () => worker.counters(),
    () => held.complete(), () => held.fail(1), () => draft.execute().outcome(),
  ]) {
    await refused('Closed', late);
  }
  assert.ok(!held.withdrawn);
  held[Symbol.dispose]();
  queue.close();
  queue[Symbol.dispose]();
  await ended;
  await queue.wait();
  await refused('Closed', queue.drain());
  assert.ok(queue.closed);
});

test('a context that shuts down ends every wait', async (t) => {
  const context = new Context();
  const options = { context };
  const { producer, worker, queue } = yard(t, { queue: options, producer: options, worker: options });
  const ended = queue.wait();
  const refusals = [producer.run('other'), worker.next()].map((wait) => refused('Closed', wait));
  while (queue.counters().accepted === 0) await new Promise(setImmediate);
  const drained = refused('Closed', queue.drain());
  context.shutdown();
  await Promise.all([...refusals, drained]);
  await ended;
  await refused('Closed', producer.push('jobs'));
});
