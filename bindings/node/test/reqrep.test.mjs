/** Requests end as they should: with a reply, the worker's own error, or a failure that says if it may have run. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker, Context, Job, RequestFailed, ZpatternsError } from 'zpatterns';
import { patiently, refused } from './helpers.mjs';
import { broker, client, deadline, gone, server, town, work, worker, worker as another } from './town.mjs';

async function greet(asker, answerer) {
  const working = work(answerer, (job) => {
    assert.ok(job.remaining > 0 && job.remaining <= deadline && !job.answered && !job.cancelled);
    job.reply([...job.body, job.service, job.key]);
    assert.ok(job.answered && !job.cancelled);
  });
  const answer = await asker.request('greet', ['Grüße', Buffer.from('x'), ''], { key: 'a key', deadline });
  assert.deepEqual(answer.map(String), ['Grüße', 'x', '', 'greet', 'a key']);
  assert.deepEqual((await asker.request('greet', 'World')).map(String), ['World', 'greet', '']);
  assert.deepEqual((await asker.request('greet')).map(String), ['greet', '']);
  answerer.leave();
  await working;
}

test('a question and its answer, through a broker', async (t) => {
  const middle = broker(t);
  const [asker, answerer] = [client(t, middle.endpoints), worker(t, middle.endpoints[0], 'greet')];
  await greet(asker, answerer);
  assert.equal(answerer.endpoint, undefined);
  for (const { accepted, delivered, held } of [asker.counters(), middle.counters()]) {
    assert.deepEqual([accepted, delivered, held], [3, 3, 0]);
  }
  await middle.drain(patiently);
  await refused('Timeout', middle.wait({ timeout: 1 }));
});

test('a question and its answer, without a broker', async (t) => {
  const answerer = server(t, 'greet');
  await greet(client(t, [answerer.endpoint]), answerer);
});

test("a worker's own error has its code and its body", async (t) => {
  const { client, worker } = town(t);
  work(worker, (job) => job.fail(7, 'no\nway', Buffer.from('data')));
  const error = await refused('JobFailed', client.request('service', 'question', { deadline }));
  assert.ok(error instanceof RequestFailed && error instanceof ZpatternsError);
  assert.deepEqual([error.workerCode, error.mayHaveRun, error.body.map(String)], [7, true, ['no\nway', 'data']]);
  assert.match(error.message, /code 7: no way/);
});

test('a job is answered once, and dropped if it is not', async (t) => {
  const { client, worker } = town(t);
  const asked = refused('JobFailed', client.request('service', '', { deadline }));
  {
    const job = await worker.next(patiently);
    for (const bad of [5, null, ['x', {}]]) await refused('InvalidArgument', () => job.reply(bad));
    for (const bad of [-1, 1.5, 2 ** 32, '7']) await refused('InvalidArgument', () => job.fail(bad));
    await refused('InvalidArgument', () => job.sendPartial(5));
    assert.ok(!job.answered);
    job[Symbol.dispose]();
    job[Symbol.dispose]();
    const again = [() => job.reply(), () => job.fail(1), () => job.sendPartial('')];
    for (const answer of again) await refused('WrongState', answer);
    assert.equal(job.signal.aborted, false);
  }
  assert.equal((await asked).workerCode, Job.DROPPED);
});

test('an answer in parts', async (t) => {
  const { client, worker } = town(t);
  work(worker, (job) => {
    job.sendPartial('some');
    job.sendPartial(['of', '']);
    job.reply(job.body);
  });
  assert.deepEqual((await client.request('service', 'it', { deadline })).map(String), ['some', 'of', '', 'it']);
  const parts = [];
  const stream = client.stream('service', 'it', { deadline });
  for await (const { run, body } of stream) parts.push([run, ...body.map(String)]);
  const [[run]] = parts;
  assert.deepEqual(parts, [[run, 'some'], [run, 'of', ''], [run, 'it']]);
  const rest = [];
  for await (const { body } of client.stream('service', [], { deadline })) rest.push(body.map(String));
  assert.deepEqual(rest, [['some'], ['of', '']]);
  await refused('NotFound', async () => {
    for await (const _ of client.stream('nobody', [], { patience: 1 }));
  });
  await refused('InvalidArgument', () => client.stream('', 5));
});

test('who stops reading an answer takes the request back', async (t) => {
  const { client, worker } = town(t);
  const stream = client.stream('service', 'question', { deadline });
  const first = stream.next();
  const job = await worker.next(patiently);
  const told = gone(job);
  job.sendPartial('first');
  assert.equal(String((await first).value.body), 'first');
  await stream.return();
  assert.equal((await stream.next()).done, true);
  await told;
  assert.ok(job.cancelled && !job.answered);
  job.reply();
});

test('an aborted request is taken back, also at the worker', async (t) => {
  const { client, worker } = town(t);
  const abort = new AbortController();
  const options = { deadline, signal: abort.signal };
  const asked = refused('Cancelled', client.request('service', 'question', options));
  const job = await worker.next(patiently);
  assert.equal(job.cancelled, false);
  const told = gone(job);
  abort.abort(new Error('enough'));
  const error = await asked;
  assert.deepEqual([error.mayHaveRun, error.cause.message], [true, 'enough']);
  await told;
  assert.equal(job.signal.reason.code, 'Cancelled');
  job.reply('too late');
  const early = await refused('Cancelled', client.request('service', 'question', options));
  assert.deepEqual([early.mayHaveRun, early.cause.message], [false, 'enough']);
  // Before it has left.
  const soon = new AbortController();
  const waiting = client.request('nobody', 'question', { deadline, signal: soon.signal });
  soon.abort();
  await refused('Cancelled', waiting);
});

test('a deadline ends a request, and tells the worker', async (t) => {
  const { client, worker } = town(t);
  const asked = refused('Timeout', client.request('service', 'question', { deadline: 500 }));
  const job = await worker.next(patiently);
  assert.ok(job.remaining <= 500);
  const told = gone(job);
  assert.equal((await asked).mayHaveRun, true);
  await told;
  job.reply();
});

test('what never ran is said to have never run', async (t) => {
  const { client, broker } = town(t, { broker: { maxWaiting: 1 }, worker: { credit: 1 } });
  const nobody = await refused('NotFound', client.request('nobody', '', { patience: 1, deadline }));
  assert.equal(nobody.mayHaveRun, false);
  assert.match(nobody.message, /never ran/);
  const first = refused('Closed', client.request('other', '', { deadline, retries: 0 }));
  const full = await refused('Full', client.request('other', '', { deadline, retries: 0 }));
  assert.deepEqual([full.mayHaveRun, full.retryable], [false, true]);
  assert.ok(full.retryAfter > 0);
  assert.equal(broker.workers(), 1);
  client.close();
  await first;
});

test('who loses its worker for good may have run', async (t) => {
  const { client, worker } = town(t);
  const asked = refused('Unreachable', client.request('service', '', { deadline, attempts: 1 }));
  await worker.next(patiently);
  worker.close();
  assert.equal((await asked).mayHaveRun, true);
  assert.equal(client.counters().lost.responder, 1);
});

test('to run once takes a broker', async (t) => {
  const alone = server(t, 'service');
  work(alone);
  await refused('Unsupported', client(t, alone.endpoint).request('service', '', { once: true, key: 'k', deadline }));
  const { client: asker, worker } = town(t);
  let runs = 0;
  work(worker, (job) => job.reply(String(++runs)));
  const ask = () => asker.request('service', '', { once: true, key: 'k', deadline });
  const answers = await Promise.all([ask(), ask(), ask()]);
  assert.deepEqual([answers.map(String), runs], [['1', '1', '1'], 1]);
});

test('bad values are errors, never crashes', async (t) => {
  const { client: asker, broker } = town(t);
  for (const bad of [5, null, {}, [5], ['x', null], new Float64Array(2)]) {
    await refused('InvalidArgument', asker.request('service', bad));
  }
  for (const bad of ['', 'x'.repeat(256), 5, null]) await refused('InvalidArgument', asker.request(bad, 'x'));
  const options = [
    { timeout: 5 }, { deadline: -1 }, { deadline: 1.5 }, { deadline: 2 ** 32 }, { deadline: '5' },
    { patience: Number.NaN }, { attempts: 0 }, { attempts: 256 }, { retries: -1 }, { once: true }, { once: 1 },
    { key: 'x'.repeat(256) }, { key: 5 },
  ];
  for (const bad of options) await refused('InvalidArgument', asker.request('service', 'x', bad));
  assert.equal(asker.counters().accepted, 0);
  for (const bad of ['', ['tcp://127.0.0.1:0', 'x']]) await refused('InvalidEndpoint', () => client(t, bad));
  for (const bad of [[], 5, null, [5]]) await refused('InvalidArgument', () => client(t, bad));
  const set = [
    { nope: 1 }, { balance: 'nope' }, { balance: 5 }, { maxRequests: -1 }, { maxRequests: 1.5 },
    { heartbeatInterval: 0 }, { heartbeatLimit: 1 },
  ];
  for (const bad of set) await refused('InvalidArgument', () => client(t, broker.endpoints, bad));
  for (const bad of [{ credit: 0 }, { credit: 'x' }]) {
    await refused('InvalidArgument', () => worker(t, broker.endpoints, 'x', bad));
  }
  await refused('InvalidArgument', () => worker(t, broker.endpoints, ''));
  await refused('AddressInUse', () => new Broker(broker.endpoints));
  client(t, broker.endpoints, { balance: 'most-free' });
});

test('closed is closed, and twice is fine', async (t) => {
  const { client, worker, broker } = town(t);
  const ended = broker.wait();
  const open = [client.request('nobody', 'x', { deadline }), worker.next()];
  for (const handle of [client, worker]) {
    handle.close();
    handle[Symbol.dispose]();
    await handle[Symbol.asyncDispose]();
    assert.ok(handle.closed);
    await refused('Closed', () => handle.counters());
  }
  await refused('Closed', open[0]);
  await refused('Closed', open[1]);
  await refused('Closed', client.request('service', 'x'));
  await refused('Closed', () => client.stream('service', 'x'));
  await refused('Closed', worker.next());
  await refused('Closed', () => worker.leave());
  broker.close();
  broker[Symbol.dispose]();
  await ended;
  await broker.wait();
  await refused('Closed', broker.drain());
  assert.ok(broker.closed);
});

test('a job outlives its worker without harm', async (t) => {
  const { client, worker, broker } = town(t);
  const asked = client.request('service', 'x', { deadline });
  const job = await worker.next(patiently);
  worker.close();
  for (const late of [() => job.reply(), () => job.fail(1), () => job.sendPartial('')]) await refused('Closed', late);
  assert.equal(job.cancelled, false);
  job[Symbol.dispose]();
  work(another(t, broker.endpoints, 'service'));
  assert.equal(String(await asked), 'x');
});

test('a context that shuts down ends every wait', async (t) => {
  const context = new Context();
  const { client, worker, broker } = town(t, { broker: { context }, worker: { context }, client: { context } });
  const ended = broker.wait();
  const waits = [client.request('nobody', 'x', { deadline }), worker.next()];
  const refusals = waits.map((wait) => refused('Closed', wait));
  // So that the request has left, and waits for its outcome.
  while (client.counters().accepted === 0) await new Promise(setImmediate);
  context.shutdown();
  await Promise.all(refusals);
  await ended;
  await refused('Closed', client.request('service', 'x'));
});
