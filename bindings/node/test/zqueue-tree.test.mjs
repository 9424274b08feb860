/** Jobs that break into jobs: trees over several workers, what children came to, and who watches. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JobFailed, QueueJob } from 'zpatterns';
import { patiently, refused, script } from './helpers.mjs';
import { heartbeat } from './town.mjs';
import { labour, producer, queue, until, worker, yard } from './yard.mjs';

/** Sums the numbers of a range by halving it. */
function sum(job) {
  const [from, to] = job.body.map(Number);
  if (job.resumed) {
    assert.deepEqual(job.memo.map(String), ['left', `${from}`, '']);
    job.complete(String(job.results.reduce((all, [part]) => all + Number(part), 0)));
  } else if (to - from <= 2) {
    job.complete(String(from + (to - from === 2 ? from + 1 : 0)));
  } else {
    const middle = (from + to) >> 1;
    const parts = [[from, middle], [middle, to]];
    job.spawn(parts.map((part) => ({ queue: job.queue, body: part.map(String) })), ['left', `${from}`, '']);
  }
}

test('a recursion over two workers', async (t) => {
  const { queue: middle, worker: first, producer } = yard(t);
  const second = worker(t, middle.endpoints, ['jobs'], { credit: 3 });
  for (const each of [first, second]) labour(each, sum);
  assert.equal(String(await producer.run('jobs', ['0', '1024'])), String((1023 * 1024) / 2));
  const roots = Array.from({ length: 20 }, (_, index) => producer.run('jobs', ['0', String(64 + index)]));
  const sums = (await Promise.all(roots)).map(Number);
  assert.deepEqual(sums, Array.from({ length: 20 }, (_, index) => ((63 + index) * (64 + index)) / 2));
  assert.ok(first.counters().spawned > 0 && second.counters().spawned > 0);
  const { held, accepted, delivered } = middle.counters();
  assert.deepEqual([held, accepted], [0, delivered]);
});

test('children that fail are found, ignored, or fail who spawned them', async (t) => {
  const { worker, producer } = yard(t);
  labour(worker, (job) => {
    const [what, ...rest] = job.body.map(String);
    if (what === 'fail') return job.fail(9, 'broken', 'data');
    if (what !== 'spawn') return job.complete([what, 'done']);
    if (!job.resumed) return job.spawn(rest.map((onFailure, index) => ({
      queue: 'jobs', body: index % 2 === 0 ? 'fail' : ['fine', '', 'x'.repeat(20_000)], onFailure, attempts: 1,
    })));
    const [failed, fine, ignored] = job.results;
    assert.equal(job.results, job.results);
    assert.ok(failed instanceof JobFailed && failed.workerCode === 9);
    assert.deepEqual(failed.body.map(String), ['broken', 'data']);
    assert.deepEqual([fine.map(String), ignored, job.results.length], [['fine', 'done'], undefined, 3]);
    job.complete();
  });
  assert.deepEqual(await producer.run('jobs', ['spawn', 'pass', 'fail', 'ignore']), []);
  assert.equal((await refused('JobFailed', producer.run('jobs', ['spawn', 'fail']))).workerCode, 9);
});

test('children in order, of their own, with options; and none', async (t) => {
  const { queue: middle, worker: first, producer } = yard(t);
  const seen = [];
  labour(first, (job) => {
    const [what] = job.body.map(String);
    if (what !== 'root') seen.push(what);
    if (what !== 'root' || job.resumed) return job.complete(what);
    const child = (body) => ({ queue: 'jobs', body, priority: 1, timeLimit: 60_000 });
    job.spawn(['a', 'b', 'c'].map(child), [], { ordered: true });
  });
  await producer.run('jobs', 'root');
  assert.deepEqual(seen, ['a', 'b', 'c']);
  const alone = producer.run('spawner', 'root');
  const spawner = worker(t, middle.endpoints, 'spawner');
  const job = await spawner.next(patiently);
  job.spawn([{ queue: 'later', detached: true, delay: 60_000 }]);
  const again = await spawner.next(patiently);
  assert.deepEqual([again.resumed, again.results], [true, []]);
  again.complete('alone');
  assert.equal(String(await alone), 'alone');
  await until(() => middle.counters().delayed === 1);
});

test('a spawn of very many children, small and large', async (t) => {
  const { worker, producer } = yard(t);
  labour(worker, (job) => {
    if (job.resumed) return job.complete(String(job.results.filter(([one]) => one.length > 0).length));
    if (String(job.body[0]) !== 'root') return job.complete(job.body);
    const children = Array.from({ length: 3000 }, (_, index) => ({
      queue: 'jobs', body: Buffer.alloc(index % 100 === 0 ? 20_000 : 1 + index % 50, index),
    }));
    job.spawn(children, Buffer.alloc(100_000));
  });
  assert.equal(String(await producer.run('jobs', 'root')), '3000');
});

test('a tree is watched and looked at', async (t) => {
  const { worker, producer, queue: middle } = yard(t);
  const watch = producer.submit('jobs', 'root', { keep: 60_000 });
  const root = await worker.next(patiently);
  assert.equal(await watch.accepted(), root.id);
  root.spawn(['a', 'b', 'c'].map((body) => ({ queue: 'jobs', body })));
  const jobs = [];
  while (jobs.length < 3) jobs.push(await worker.next(patiently));
  const tree = await producer.tree(root.id);
  assert.equal(tree.more, false);
  assert.deepEqual(tree.jobs.map(({ job, parent, depth, queue, state, open, spawned }) =>
    [job, parent, depth, queue, state, open, spawned]), [
    [root.id, 0, 0, 'jobs', 'suspended', 3, 3],
    ...jobs.map(({ id }) => [id, root.id, 1, 'jobs', 'running', 0, 0]),
  ]);
  assert.ok(tree.jobs.every(({ since }) => since >= 0));
  assert.deepEqual((await producer.tree(root.id, 2)).more, true);
  const far = producer.watch(root.id, { progress: true });
  const events = far[Symbol.asyncIterator]();
  const { kind, open, done, failed } = (await events.next()).value;
  assert.deepEqual([kind, open, done, failed], ['progress', 4, 0, 0]);
  assert.equal(await far.accepted(), root.id);
  jobs[0].complete('one');
  let event = { done: 0 };
  while (event.done === 0) event = (await events.next()).value;
  assert.deepEqual([event.kind, event.open, event.done], ['progress', 3, 1]);
  jobs[1].complete('two');
  jobs[2].complete('three');
  const resumed = await worker.next(patiently);
  assert.ok(resumed.resumed && resumed.id === root.id && resumed.tries === 0);
  resumed.complete(resumed.results.flat());
  const rest = [];
  for await (const next of far) rest.push(next);
  // How far it was may have been told once more.
  assert.ok(rest.length <= 2 && rest.at(-1).kind === 'ended');
  assert.deepEqual(rest.at(-1).body.map(String), ['one', 'two', 'three']);
  assert.deepEqual((await watch.outcome()).map(String), ['one', 'two', 'three']);
  while (event.kind === 'progress') event = (await events.next()).value;
  assert.equal(event.kind, 'ended');
  assert.deepEqual(await events.next(), { value: undefined, done: true });
  await refused('NotFound', producer.tree(root.id));
  assert.equal(middle.counters().kept, 1);
});

test('a watch ends with its failure, its signal, or nobody who cares', async (t) => {
  const { worker, producer } = yard(t);
  const watch = producer.submit('jobs', 'x');
  (await worker.next(patiently)).fail(3, 'no');
  const events = [];
  for await (const event of watch) events.push(event);
  assert.deepEqual(events.map(({ kind }) => kind), ['accepted', 'ended']);
  assert.ok(events[1].error instanceof JobFailed && events[1].body === undefined);
  await refused('NotFound', async () => {
    for await (const _ of producer.watch(12345));
  });
  const abort = new AbortController();
  const given = producer.submit('jobs', 'y', { signal: abort.signal });
  const job = await given.accepted();
  const result = producer.result(job, { signal: abort.signal });
  const waits = [given.outcome(), result].map((one) => refused('Cancelled', one));
  abort.abort();
  await Promise.all(waits);
  const dropped = producer.watch(job, { progress: true });
  const waiting = refused('Closed', dropped.outcome());
  dropped[Symbol.dispose]();
  dropped[Symbol.dispose]();
  await waiting;
  for await (const _ of dropped) assert.fail('nothing comes');
  assert.equal(await dropped.accepted(), job);
  (await worker.next(patiently)).complete('done');
  assert.equal((await producer.push('jobs', 'z')) > job, true);
});

test('a tree that is cancelled, and one that outgrows its bounds', async (t) => {
  const { worker, producer, queue: middle } = yard(t, { queue: { maxChildren: 5 } });
  const spawn = (job, count) => job.spawn(Array.from({ length: count }, () => ({ queue: 'jobs' })));
  const watch = producer.submit('jobs', 'root');
  spawn(await worker.next(patiently), 3);
  const jobs = [];
  while (jobs.length < 3) jobs.push(await worker.next(patiently));
  await producer.cancel(await watch.accepted());
  await refused('Cancelled', watch.outcome());
  for (const job of jobs) {
    await until(() => job.withdrawn);
    job.complete();
  }
  const large = refused('TooLarge', producer.run('jobs', 'root'));
  spawn(await worker.next(patiently), 6);
  await large;
  await until(() => middle.counters().held === 0);
  assert.deepEqual([middle.counters().lost.cancelled, middle.counters().lost.bounds], [4, 1]);
});

test('a job that is pushed in parts, or dropped', async (t) => {
  const { worker, producer, queue: middle } = yard(t);
  labour(worker);
  const draft = producer.draft('jobs', 'one', { key: 'k' });
  draft.sendPart(['two', Buffer.alloc(100_000)]);
  draft.sendPart('three');
  assert.equal(middle.counters().accepted, 0);
  await refused('InvalidArgument', () => draft.sendPart(5));
  const watch = draft.execute();
  draft[Symbol.dispose]();
  const body = await watch.outcome();
  const frames = body.map((frame) => (frame.length > 10 ? frame.length : String(frame)));
  assert.deepEqual(frames, ['one', 'two', 100_000, 'three']);
  for (const late of [() => draft.sendPart('x'), () => draft.execute()]) await refused('WrongState', late);
  {
    const other = producer.draft('jobs', 'never');
    other.sendPart('x');
    other[Symbol.dispose]();
    await refused('WrongState', () => other.execute());
  }
  const wrong = producer.draft('', 'x');
  wrong.sendPart('x');
  await refused('InvalidArgument', wrong.execute().outcome());
  await refused('InvalidArgument', () => producer.draft('jobs', 'x', { attempts: 0 }));
  await producer.run('jobs');
  assert.equal(middle.counters().accepted, 2);
});

test('orders, priorities, delays and bounds', async (t) => {
  const middle = queue(t, { order: 'fifo', orders: { last: 'lifo', best: 'priority' }, maxQueues: 3 });
  const asker = producer(t, middle.endpoints[0]);
  for (const name of ['first', 'last', 'best']) {
    for (const priority of [1, 3, 2]) await asker.push(name, String(priority), { priority, delay: 0 });
  }
  await refused('Full', asker.push('fourth'));
  const done = {};
  for (const name of ['first', 'last', 'best']) {
    const one = worker(t, middle.endpoints, name);
    done[name] = '';
    for (let count = 0; count < 3; count++) {
      const job = await one.next(patiently);
      done[name] += job.body[0];
      job.complete();
    }
  }
  assert.deepEqual(done, { first: '132', last: '231', best: '321' });
  await asker.push('first', 'x', { delay: 60_000 });
  assert.equal(middle.counters().delayed, 1);
});

test('a job that the program forgets is dropped with the collector', async (t) => {
  const middle = queue(t);
  script(t, `
    import { QueueWorker } from 'zpatterns';
    const worker = new QueueWorker(process.argv[1], 'jobs', { credit: 5, ...${JSON.stringify(heartbeat)} });
    setInterval(gc, 20);
    async function take() {
      const job = await worker.next();
      if (String(job.body) !== 'forget') job.complete();
    }
    for (;;) await take();
  `, middle.endpoints);
  const asker = producer(t, middle.endpoints[0]);
  const forget = () => refused('JobFailed', asker.run('jobs', 'forget', { attempts: 1 }));
  const errors = await Promise.all(Array.from({ length: 20 }, forget));
  for (const { workerCode } of errors) assert.equal(workerCode, QueueJob.DROPPED);
  assert.deepEqual(await asker.run('jobs'), []);
});
