/** What happens at a broker, one by one; and jobs that are of no more use. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker as Thread } from 'node:worker_threads';
import { Context } from 'zpatterns';
import { patiently, refused, script } from './helpers.mjs';
import { broker, client, deadline, gone, heartbeat, town, worker } from './town.mjs';

test('a broker tells who comes and goes, and what is lost', async (t) => {
  const middle = broker(t);
  await refused('Timeout', middle.next({ timeout: 0 }));
  const [asker, answerer] = [client(t, middle.endpoints), worker(t, middle.endpoints, 'slow')];
  const joined = await middle.next(patiently);
  assert.deepEqual(joined, { kind: 'worker_joined', service: 'slow', worker: joined.worker });
  assert.ok(joined.worker > 0);
  const asked = refused('Unreachable', asker.request('slow', 'x', { deadline, attempts: 1 }));
  await answerer.next(patiently);
  answerer.close();
  const lost = { kind: 'worker_gone', service: 'slow', worker: joined.worker, requests: 1, left: false };
  assert.deepEqual(await middle.next(patiently), lost);
  const news = await middle.next(patiently);
  assert.deepEqual(news, { kind: 'lost', service: 'slow', requests: 1, reason: 'attempts' });
  assert.equal(middle.counters().lost[news.reason], 1);
  await asked;
  const other = worker(t, middle.endpoints, 'quick');
  assert.equal((await middle.next(patiently)).kind, 'worker_joined');
  other.leave();
  other.close();
  const { kind, left, requests } = await middle.next(patiently);
  assert.deepEqual([kind, left, requests], ['worker_gone', true, 0]);
  await refused('Timeout', middle.next({ timeout: 1 }));
  await refused('Cancelled', middle.next({ signal: AbortSignal.abort() }));
});

test('iterating ends with the broker', async (t) => {
  for (const end of ['broker', 'context']) {
    const context = new Context();
    const middle = broker(t, { context });
    const kinds = [];
    const watching = (async () => {
      for await (const { kind } of middle) kinds.push(kind);
    })();
    const waiting = refused('Closed', async () => {
      for (;;) await middle.next();
    });
    worker(t, middle.endpoints, 'service');
    // Two wait for one.
    while (middle.workers() === 0) await new Promise(setImmediate);
    if (end === 'broker') middle.close();
    else context.shutdown();
    await watching;
    await waiting;
    assert.ok(kinds.length <= 1);
    await refused('Closed', middle.next());
  }
});

test('news, draining and the end are waited for at once', async (t) => {
  const { broker: middle, client: asker, worker: answerer } = town(t);
  const told = [];
  const watching = (async () => {
    for await (const { kind } of middle) told.push(kind);
  })();
  const ended = middle.wait().then(() => told.push('ended'));
  const asked = asker.request('service', 'x', { deadline });
  const job = await answerer.next(patiently);
  await refused('Timeout', middle.drain({ timeout: 0 }));
  const drained = Promise.all([middle.drain(), middle.drain(patiently)]).then(() => told.push('drained'));
  await refused('Timeout', middle.drain({ timeout: 20 }));
  job.reply('done');
  await drained;
  assert.equal(String(await asked), 'done');
  await middle.drain({ timeout: 0 });
  answerer.close();
  while (!told.includes('worker_gone')) await new Promise(setImmediate);
  middle.close();
  await Promise.all([watching, ended]);
  assert.deepEqual(told.filter((each) => each !== 'worker_joined'), ['drained', 'worker_gone', 'ended']);
});

test('a context that ends ends draining, too', async (t) => {
  const context = new Context();
  const { broker: middle, client: asker, worker: answerer } = town(t, { broker: { context } });
  const asked = asker.request('service', 'x', { deadline }).catch(() => {});
  await answerer.next(patiently);
  const drained = refused('Closed', middle.drain());
  context.shutdown();
  await drained;
  asker.close();
  await asked;
});

test('signals of many jobs abort as each is of no more use', async (t) => {
  const { client: asker, worker: answerer } = town(t);
  const aborts = Array.from({ length: 50 }, () => new AbortController());
  const asked = aborts.map(({ signal }) => asker.request('service', 'x', { deadline, signal }).catch(() => {}));
  const jobs = [];
  for (const _ of aborts) jobs.push(await answerer.next(patiently));
  const signals = jobs.map((job) => job.signal);
  const abortions = signals.map((signal) => new Promise((resolve) => signal.addEventListener('abort', resolve)));
  for (const job of jobs.slice(25)) job.reply('done');
  for (const abort of aborts) abort.abort();
  const all = setInterval(() => {}, deadline);
  await Promise.all(abortions.slice(0, 25));
  clearInterval(all);
  assert.deepEqual(signals.map(({ aborted }) => aborted), jobs.map((_, index) => index < 25));
  assert.ok(signals.slice(0, 25).every(({ reason }) => reason.code === 'Cancelled'));
  for (const job of jobs.slice(0, 25)) job.reply();
  await Promise.all(asked);
});

test('a signal that is asked for late aborts all the same', async (t) => {
  const { client: asker, worker: answerer } = town(t);
  const asked = refused('Timeout', asker.request('service', 'x', { deadline: 200 }));
  const job = await answerer.next(patiently);
  await asked;
  while (!job.cancelled) await new Promise(setImmediate);
  await gone(job);
  job.reply();
  const open = asker.request('service', 'x', { deadline }).catch(() => {});
  const kept = await answerer.next(patiently);
  const { signal } = kept;
  answerer.close();
  assert.ok(!signal.aborted && !kept.signal.aborted, 'others do the job');
  asker.close();
  await open;
});

const prelude = `import { Broker, Client, Worker } from 'zpatterns';
  const answerer = Worker.bind('tcp://127.0.0.1:0', 'service');
  const asker = new Client(answerer.endpoint);
`;

test('a signal does not keep a process alive, and news that are awaited do', async (t) => {
  const idle = script(t, `${prelude}
    asker.request('service', 'x').catch(() => {});
    (await answerer.next()).signal.addEventListener('abort', () => {});
    asker.close();
    const middle = new Broker('tcp://127.0.0.1:0');
    await middle.next({ timeout: 1 }).catch(({ code }) => console.log(code));
  `);
  assert.deepEqual(await idle.ended, { code: 0, signal: null, stdout: 'Timeout\n', stderr: '' });
  const waiting = script(t, `${prelude}
    const middle = new Broker('tcp://127.0.0.1:0');
    middle.next().then(({ kind }) => console.log(kind));
    console.log(middle.endpoints[0]);
  `);
  worker(t, await waiting.line(), 'service');
  assert.equal(await waiting.line(), 'worker_joined');
  assert.equal((await waiting.ended).code, 0);
});

const middles = {
  news: 'middle.next(); tell();',
  draining: 'middle.drain(); middle.wait(); tell();',
  'a signal': 'job.signal.addEventListener("abort", () => {}); tell();',
  'signals that abort': `
    tell();
    for (;;) {
      const abort = new AbortController();
      const asked = asker.request('service', 'x', { signal: abort.signal }).catch(() => {});
      const next = await answerer.next();
      next.signal.addEventListener('abort', () => next.reply());
      abort.abort();
      await asked;
    }
  `,
};
for (const [name, source] of Object.entries(middles)) {
  test(`a thread may be terminated in the middle of ${name}`, async (t) => {
    for (let round = 0; round < 5; round++) {
      const ending = new Thread(`
        const { Broker, Client, Worker } = require('zpatterns');
        const tell = () => require('node:worker_threads').parentPort.postMessage('ready');
        (async () => {
          const middle = new Broker('tcp://127.0.0.1:0');
          const answerer = new Worker(middle.endpoints, 'service', { credit: 10 });
          const asker = new Client(middle.endpoints);
          asker.request('service', 'x').catch(() => {});
          const job = await answerer.next();
          ${source}
        })();
      `, { eval: true });
      t.after(() => ending.terminate());
      await once(ending, 'message');
      assert.equal(await ending.terminate(), 1);
    }
  });
}

test('a worker whose job has a signal is collected with it', async (t) => {
  const child = script(t, `
    import { Broker, Client, Job, Worker } from 'zpatterns';
    const middle = new Broker('tcp://127.0.0.1:0', ${JSON.stringify(heartbeat)});
    await middle.next({ timeout: 0 }).catch(() => {});
    const asked = new Client(middle.endpoints).request('service', 'x').catch(({ workerCode }) => workerCode);
    await (async () => {
      const answerer = new Worker(middle.endpoints, 'service', ${JSON.stringify(heartbeat)});
      const job = await answerer.next();
      job.signal.addEventListener('abort', () => {});
    })();
    console.log((await middle.next()).kind);
    const collecting = setInterval(gc, 10);
    console.log((await asked) === Job.DROPPED);
    console.log((await middle.next()).kind);
    clearInterval(collecting);
  `);
  const stdout = 'worker_joined\ntrue\nworker_gone\n';
  assert.deepEqual(await child.ended, { code: 0, signal: null, stdout, stderr: '' });
});
