/** Many jobs, parties that die, and processes and threads that end in the middle of everything. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker as Thread } from 'node:worker_threads';
import { Queue } from 'zpatterns';
import { folder, patiently, refused, script } from './helpers.mjs';
import { heartbeat } from './town.mjs';
import { labour, producer, queue, until, worker, yard } from './yard.mjs';

test('10,000 jobs at a time, small and large', async (t) => {
  const { worker, producer, queue: middle } = yard(t);
  labour(worker);
  const run = async (index) => {
    const body = Buffer.alloc(index % 500 === 0 ? 100_000 : index % 97 === 0 ? 9_000 : index % 300, index);
    const outcome = await producer.run('jobs', [String(index), body]);
    assert.equal(String(outcome[0]), String(index));
    assert.ok(outcome[1].equals(body) && outcome.length === 2);
  };
  await Promise.all(Array.from({ length: 10_000 }, (_, index) => run(index)));
  const { accepted, delivered, held } = middle.counters();
  assert.deepEqual([accepted, delivered, held], [10_000, 10_000, 0]);
  const frames = Array.from({ length: 5000 }, (_, index) => String(index));
  assert.deepEqual((await producer.run('jobs', frames)).map(String), frames);
});

test('the event loop turns while jobs come and go without a pause', async (t) => {
  const { worker, producer } = yard(t);
  labour(worker);
  let turns = 0;
  const turn = () => setImmediate(() => ++turns < 100 && turn());
  turn();
  const run = async () => {
    while (turns < 100) await producer.run('jobs', 'x');
  };
  await Promise.all(Array.from({ length: 50 }, run));
});

test('a watch that nobody reads keeps the last progress only', async (t) => {
  const { worker, producer } = yard(t);
  const watch = producer.submit('jobs', 'root');
  const root = await worker.next(patiently);
  root.spawn(Array.from({ length: 50 }, () => ({ queue: 'jobs' })));
  const far = producer.watch(await watch.accepted(), { progress: true });
  let told = 0;
  const reading = (async () => {
    for await (const event of producer.watch(root.id, { progress: true })) told += Number(event.kind === 'progress');
  })();
  const jobs = [];
  while (jobs.length < 50) jobs.push(await worker.next(patiently));
  await until(() => told > 0);
  for (const job of jobs.slice(0, 3)) {
    const before = told;
    job.complete();
    await until(() => told > before);
  }
  const first = await far[Symbol.asyncIterator]().next();
  assert.deepEqual([first.value.kind, first.value.done >= 2], ['progress', true]);
  await producer.cancel(root.id);
  await reading;
  await refused('Cancelled', far.outcome());
});

const working = `
  import { QueueWorker } from 'zpatterns';
  const [endpoint] = process.argv.slice(1);
  const worker = new QueueWorker(endpoint, 'jobs', { credit: 50, heartbeatInterval: 100 });
  console.log('ready');
  for await (const job of worker) job.complete([...job.body, String(process.pid)]);
`;

test('a worker is killed in the middle of 2,000 jobs, and every one is done', async (t) => {
  const middle = queue(t);
  const asker = producer(t, middle.endpoints[0]);
  const [doomed] = [script(t, working, middle.endpoints), script(t, working, middle.endpoints)];
  await doomed.line();
  await until(() => middle.workers() === 2);
  let done = 0;
  const run = async (index) => {
    assert.equal(String((await asker.run('jobs', String(index)))[0]), String(index));
    if (++done === 500) doomed.process.kill('SIGKILL');
  };
  await Promise.all(Array.from({ length: 2000 }, (_, index) => run(index)));
  assert.equal((await doomed.ended).signal, 'SIGKILL');
  const { accepted, delivered } = middle.counters();
  assert.deepEqual([accepted, delivered], [2000, 2000]);
});

test('a store outlives its queue, with who spawned and who waits', async (t) => {
  const store = join(folder(t), 'store');
  const first = new Queue('tcp://127.0.0.1:0', { store, ...heartbeat });
  await refused('WrongState', () => queue(t, { store }));
  const asker = producer(t, first.endpoints[0]);
  const root = asker.submit('jobs', 'root', { keep: 60_000 });
  const one = worker(t, first.endpoints, 'jobs', { credit: 5 });
  (await one.next(patiently)).spawn([{ queue: 'jobs', body: 'a' }, { queue: 'jobs', body: 'b' }], 'memo');
  (await one.next(patiently)).complete('done');
  const job = await root.accepted();
  await until(() => first.counters().delivered === 1);
  first.close();
  const second = new Queue(first.endpoints, { store, ...heartbeat });
  t.after(() => second.close());
  labour(one, (job) => job.complete(job.resumed ? [...job.memo, ...job.results.flat()] : 'done'));
  assert.deepEqual((await root.outcome()).map(String), ['memo', 'done', 'done']);
  assert.deepEqual((await asker.result(job)).map(String), ['memo', 'done', 'done']);
});

test('a push that is not answered may have been accepted all the same', async (t) => {
  const asker = producer(t, 'tcp://127.0.0.1:9', { patience: 20 });
  const error = await refused('Timeout', asker.push('jobs'));
  assert.equal(error.context.may_be_accepted, undefined);
  await refused('Timeout', asker.queues());
});

test('queues, workers and producers come and go, and nothing grows', async (t) => {
  const child = script(t, `
    import { readdirSync } from 'node:fs';
    import { Producer, Queue, QueueWorker } from 'zpatterns';
    const files = () => readdirSync('/proc/self/fd').length;
    async function cycle(count) {
      for (let index = 0; index < count; index++) {
        const queue = new Queue(\`inproc://cycle-\${count}-\${index}\`);
        const worker = new QueueWorker(queue.endpoints, 'jobs');
        const producer = new Producer(queue.endpoints[0]);
        const run = producer.run('jobs', 'x');
        const job = await worker.next({ timeout: 30_000 });
        job.complete(job.body);
        if (String(await run) !== 'x') throw new Error('another outcome');
        const open = producer.run('other', 'x').catch((error) => error.code);
        const waits = [worker.next().catch((error) => error.code), queue.wait(), open];
        for (const handle of [producer, worker, queue]) handle.close();
        await Promise.all(waits);
      }
      gc();
      for (let turn = 0; turn < 1000 && files() > before; turn++) await new Promise(setImmediate);
    }
    let before = Infinity;
    await cycle(100);
    before = files();
    const memory = process.memoryUsage().rss;
    await cycle(400);
    console.log(JSON.stringify({ files: files() - before, mebibytes: (process.memoryUsage().rss - memory) / 2 ** 20 }));
  `);
  const { stdout, stderr } = await child.ended;
  assert.equal(stderr, '');
  const { files, mebibytes } = JSON.parse(stdout);
  assert.ok(files <= 5 && mebibytes < 30, stdout);
});

test('what is dropped without close goes with the collector', async (t) => {
  const child = script(t, `
    import { readdirSync } from 'node:fs';
    import { Context, Producer, Queue, QueueWorker } from 'zpatterns';
    const files = () => readdirSync('/proc/self/fd').length;
    const before = files();
    for (let index = 0; index < 50; index++) {
      const context = new Context();
      const { endpoints } = new Queue('tcp://127.0.0.1:0', { context });
      new QueueWorker(endpoints, 'jobs', { context });
      await new Producer(endpoints[0], { context }).push('jobs');
      if (index % 10 === 0) { gc(); await new Promise(setImmediate); }
    }
    for (let turn = 0; turn < 10_000 && files() > before + 5; turn++) {
      if (turn % 100 === 0) gc();
      await new Promise(setImmediate);
    }
    console.log(files() - before);
  `);
  const { stdout, stderr } = await child.ended;
  assert.ok(Number(stdout) <= 5, stdout + stderr);
});

const middles = {
  'a push': "new Producer('tcp://127.0.0.1:9').push('jobs'); tell();",
  'many pushes': "producer.pushMany('other', (function* () { for (;;) yield 'x'; })()); tell();",
  'a watch': "tell(); for await (const event of producer.submit('other'));",
  'a draft': "const draft = producer.draft('other'); draft.sendPart('x'); tell(); await producer.run('other');",
  'an iterator over jobs': "tell(); for await (const job of new QueueWorker(endpoints, 'jobs'));",
  'waiting for a queue': 'tell(); await queue.wait();',
  'draining a queue': "await producer.push('other'); tell(); await queue.drain();",
  'a signal': `
    producer.push('jobs');
    const job = await new QueueWorker(endpoints, 'jobs').next();
    job.signal.addEventListener('abort', () => {});
    tell();
    await producer.run('other');
  `,
  'a busy exchange': `
    const worker = new QueueWorker(endpoints, 'jobs', { credit: 100 });
    const children = [{ queue: 'jobs', body: 'x' }];
    const act = (job) => (job.resumed || job.body.length > 0 ? job.complete() : job.spawn(children));
    (async () => { for await (const job of worker) act(job); })();
    for (let index = 0; index < 50; index++) (async () => { for (;;) await producer.run('jobs'); })();
    await producer.run('jobs', 'x');
    tell();
  `,
};
for (const [name, source] of Object.entries(middles)) {
  test(`a worker thread may be terminated in the middle of ${name}`, async (t) => {
    for (let round = 0; round < 5; round++) {
      const thread = new Thread(`
        const { Producer, Queue, QueueWorker } = require('zpatterns');
        const tell = () => require('node:worker_threads').parentPort.postMessage('ready');
        const queue = new Queue('tcp://127.0.0.1:0');
        const { endpoints } = queue;
        const producer = new Producer(endpoints[0]);
        (async () => {${source}})();
      `, { eval: true });
      t.after(() => thread.terminate());
      await once(thread, 'message');
      assert.equal(await thread.terminate(), 1);
    }
  });
}

const prelude = `
  import { Producer, Queue, QueueWorker } from 'zpatterns';
  const queue = new Queue('tcp://127.0.0.1:0');
  const { endpoints } = queue;
  const producer = new Producer(endpoints[0]);
`;
const endings = {
  'of itself, with handles that nobody waits for': `
    new QueueWorker(endpoints, 'jobs').counters();
    producer.draft('jobs');
  `,
  'when its job is accepted, and nobody waits for more': `
    const watch = producer.submit('jobs');
    producer.watch(await watch.accepted(), { progress: true });
  `,
  'when its job is done': `
    const worker = new QueueWorker(endpoints, 'jobs');
    worker.next().then((job) => job.complete());
    await producer.run('jobs');
  `,
  'by process.exit with jobs open': `
    producer.run('jobs');
    setImmediate(() => process.exit(0));
    await queue.wait();
  `,
  'with a push in its exit handler': "process.on('exit', () => producer.push('jobs').catch(() => {}));",
};
for (const [name, source] of Object.entries(endings)) {
  test(`a process ends ${name}`, async (t) => {
    assert.deepEqual(await script(t, prelude + source).ended, { code: 0, signal: null, stdout: '', stderr: '' });
  });
}

test('a process stays until a job is accepted, and while one is awaited; an answer leaves when it exits', async (t) => {
  const middle = queue(t);
  const submitting = script(t, `
    import { Producer } from 'zpatterns';
    new Producer(process.argv[1]).submit('jobs', 'first');
  `, middle.endpoints);
  assert.equal((await submitting.ended).code, 0);
  assert.equal(middle.counters().accepted, 1);
  const asking = script(t, `
    import { Producer } from 'zpatterns';
    console.log(String(await new Producer(process.argv[1]).run('jobs', 'second')));
  `, middle.endpoints);
  const answering = script(t, `
    import { QueueWorker } from 'zpatterns';
    const worker = new QueueWorker(process.argv[1], 'jobs');
    (await worker.next()).complete();
    const job = await worker.next();
    job.complete(['the', ...job.body]);
    process.exit(0);
  `, middle.endpoints);
  assert.equal(await asking.line(), 'the,second');
  assert.equal((await asking.ended).code, 0);
  assert.equal((await answering.ended).code, 0);
});

test('the counters are those of the types', async (t) => {
  const types = readFileSync(join(import.meta.dirname, '../dist/zqueue/counters.d.ts'), 'utf8');
  const named = (type) => {
    const [members] = types.split(`interface ${type}`)[1].split('\n}');
    return [...members.matchAll(/^ {4}(\w+): /gm)].map(([, name]) => name);
  };
  const { worker, producer, queue: middle } = yard(t);
  await producer.push('jobs');
  const counters = middle.counters();
  assert.deepEqual(Object.keys(counters).sort(), named('JobCounters').sort());
  const reasons = [...types.split('type JobLossReason =')[1].split(';')[0].matchAll(/'(\w+)'/g)].map((it) => it[1]);
  assert.deepEqual(Object.keys(counters.lost).sort(), reasons.sort());
  for (const [one] of [middle.queues(), await producer.queues()]) {
    assert.deepEqual(Object.keys(one).sort(), named('QueueCounters').sort());
  }
  assert.deepEqual(Object.keys(worker.counters()).sort(), named('QueueWorkerCounters').sort());
});
