/** Many requests, parties that die, and processes and threads that end in the middle of everything. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker as Thread } from 'node:worker_threads';
import { Job } from 'zpatterns';
import { patiently, refused, script } from './helpers.mjs';
import { broker, client, deadline, town, work } from './town.mjs';

test('a thousand requests at a time, small and large', async (t) => {
  const { client, worker } = town(t);
  work(worker);
  const ask = async (index) => {
    const body = Buffer.alloc(index % 50 === 0 ? 100_000 : index % 7 === 0 ? 9_000 : index % 300, index);
    const answer = await client.request('service', [String(index), body], { deadline });
    assert.equal(String(answer[0]), String(index));
    assert.ok(answer[1].equals(body) && answer.length === 2);
  };
  await Promise.all(Array.from({ length: 1000 }, (_, index) => ask(index)));
  const { accepted, delivered } = client.counters();
  assert.deepEqual([accepted, delivered], [1000, 1000]);
  assert.equal(worker.counters().answered, 1000);
});

test('questions and answers of very many frames', async (t) => {
  const { client, worker } = town(t);
  work(worker);
  const frames = Array.from({ length: 5000 }, (_, index) => String(index));
  assert.deepEqual((await client.request('service', frames, { deadline })).map(String), frames);
});

test('several jobs are held, and answered in any order', async (t) => {
  const { client, worker } = town(t);
  const jobs = [];
  const asked = Array.from({ length: 20 }, (_, index) => client.request('service', String(index), { deadline }));
  while (jobs.length < 20) jobs.push(await worker.next(patiently));
  for (const job of jobs.reverse()) job.reply([job.body[0], 'answered']);
  const answers = await Promise.all(asked);
  assert.deepEqual(answers.map(String), Array.from({ length: 20 }, (_, index) => `${index},answered`));
});

test('the event loop turns while requests come and go without a pause', async (t) => {
  const { client, worker } = town(t);
  work(worker);
  let turns = 0;
  const turn = () => setImmediate(() => ++turns < 100 && turn());
  turn();
  const ask = async () => {
    while (turns < 100) await client.request('service', 'x', { deadline });
  };
  await Promise.all(Array.from({ length: 50 }, ask));
});

const working = `
  import { Worker } from 'zpatterns';
  const [endpoint] = process.argv.slice(1);
  const worker = new Worker(endpoint, 'service', { credit: 50, heartbeatInterval: 100 });
  console.log('ready');
  for await (const job of worker) job.reply([...job.body, String(process.pid)]);
`;

test('a worker is killed in the middle of 2,000 requests, and every one is answered', async (t) => {
  const middle = broker(t);
  const asker = client(t, middle.endpoints);
  const [doomed] = [script(t, working, middle.endpoints), script(t, working, middle.endpoints)];
  await doomed.line();
  while (middle.workers() < 2) await new Promise(setImmediate);
  let answered = 0;
  const ask = async (index) => {
    const answer = await asker.request('service', String(index), { deadline, attempts: 10 });
    assert.equal(String(answer[0]), String(index));
    if (++answered === 500) doomed.process.kill('SIGKILL');
  };
  await Promise.all(Array.from({ length: 2000 }, (_, index) => ask(index)));
  assert.equal((await doomed.ended).signal, 'SIGKILL');
  const { accepted, delivered, held } = middle.counters();
  assert.deepEqual([asker.counters().delivered, accepted, delivered + held], [2000, 2000, 2000]);
});

test('a job that the program forgets is dropped with the collector', async (t) => {
  const middle = broker(t);
  script(t, `
    import { Worker } from 'zpatterns';
    const worker = new Worker(process.argv[1], 'service', { credit: 5 });
    setInterval(gc, 20);
    async function take() {
      const job = await worker.next();
      if (String(job.body) !== 'forget') job.reply();
    }
    for (;;) await take();
  `, middle.endpoints);
  const asker = client(t, middle.endpoints);
  const forget = () => refused('JobFailed', asker.request('service', 'forget', { deadline }));
  const errors = await Promise.all(Array.from({ length: 20 }, forget));
  for (const { workerCode } of errors) assert.equal(workerCode, Job.DROPPED);
  assert.deepEqual(await asker.request('service', '', { deadline }), []);
});

test('clients, workers and brokers come and go, and nothing grows', async (t) => {
  const child = script(t, `
    import { readdirSync } from 'node:fs';
    import { Broker, Client, Worker } from 'zpatterns';
    const files = () => readdirSync('/proc/self/fd').length;
    async function cycle(count) {
      for (let index = 0; index < count; index++) {
        const broker = new Broker(\`inproc://cycle-\${count}-\${index}\`);
        const worker = new Worker(broker.endpoints, 'service');
        const client = new Client(broker.endpoints);
        const asked = client.request('service', 'x');
        const job = await worker.next({ timeout: 30_000 });
        job.reply(job.body);
        if (String(await asked) !== 'x') throw new Error('another answer');
        const open = client.request('nobody', 'x').catch((error) => error.code);
        const waits = [worker.next().catch((error) => error.code), broker.wait(), open];
        for (const handle of [client, worker, broker]) handle.close();
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
    import { Broker, Client, Context, Worker } from 'zpatterns';
    const files = () => readdirSync('/proc/self/fd').length;
    const before = files();
    for (let index = 0; index < 50; index++) {
      const context = new Context();
      const { endpoints } = new Broker('tcp://127.0.0.1:0', { context });
      new Worker(endpoints, 'service', { context });
      new Client(endpoints, { context });
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
  'a request': "new Client(endpoints).request('nobody', 'x'); tell();",
  'a stream': "tell(); for await (const part of new Client(endpoints).stream('nobody', 'x'));",
  'an iterator over jobs': "const worker = new Worker(endpoints, 'service'); tell(); for await (const job of worker);",
  'waiting for a broker': 'tell(); await broker.wait();',
  'draining a broker': "new Client(endpoints).request('nobody', 'x'); tell(); await broker.drain();",
  'a busy exchange': `
    const worker = new Worker(endpoints, 'service', { credit: 100 });
    const client = new Client(endpoints);
    (async () => { for await (const job of worker) job.reply(); })();
    for (let index = 0; index < 50; index++) (async () => { for (;;) await client.request('service', 'x'); })();
    await client.request('service', 'x');
    tell();
  `,
};
for (const [name, source] of Object.entries(middles)) {
  test(`a worker thread may be terminated in the middle of ${name}`, async (t) => {
    for (let round = 0; round < 5; round++) {
      const thread = new Thread(`
        const { Broker, Client, Worker } = require('zpatterns');
        const tell = () => require('node:worker_threads').parentPort.postMessage('ready');
        const broker = new Broker('tcp://127.0.0.1:0');
        const { endpoints } = broker;
        (async () => {${source}})();
      `, { eval: true });
      t.after(() => thread.terminate());
      await once(thread, 'message');
      assert.equal(await thread.terminate(), 1);
    }
  });
}

const prelude = `
  import { Broker, Client, Worker } from 'zpatterns';
  const broker = new Broker('tcp://127.0.0.1:0');
  const { endpoints } = broker;
  const client = new Client(endpoints);
`;
const endings = {
  'of itself, with handles that nobody waits for': "new Worker(endpoints, 'service').counters();",
  'when its request is answered': `
    const worker = new Worker(endpoints, 'service');
    worker.next().then((job) => job.reply());
    await client.request('service');
  `,
  'by process.exit with requests open': `
    client.request('nobody');
    setImmediate(() => process.exit(0));
    await broker.wait();
  `,
  'with a request in its exit handler': "process.on('exit', () => client.request('nobody').catch(() => {}));",
};
for (const [name, source] of Object.entries(endings)) {
  test(`a process ends ${name}`, async (t) => {
    assert.deepEqual(await script(t, prelude + source).ended, { code: 0, signal: null, stdout: '', stderr: '' });
  });
}

test('a process stays while a request is open, and an answer leaves when it exits', async (t) => {
  const middle = broker(t);
  const asking = script(t, `
    import { Client } from 'zpatterns';
    console.log(String(await new Client(process.argv[1]).request('service', 'question')));
  `, middle.endpoints);
  const answering = script(t, `
    import { Worker } from 'zpatterns';
    const job = await new Worker(process.argv[1], 'service').next();
    job.reply(['the', 'answer']);
    process.exit(0);
  `, middle.endpoints);
  assert.equal(await asking.line(), 'the,answer');
  assert.equal((await asking.ended).code, 0);
  assert.equal((await answering.ended).code, 0);
});

test('the counters are those of the types', (t) => {
  const types = readFileSync(join(import.meta.dirname, '../dist/reqrep/counters.d.ts'), 'utf8');
  const named = (type) => {
    const [members] = types.split(`interface ${type}`)[1].split('\n}');
    return [...members.matchAll(/^ {4}(\w+): /gm)].map(([, name]) => name);
  };
  const { client, worker, broker } = town(t);
  for (const counters of [client.counters(), broker.counters()]) {
    assert.deepEqual(Object.keys(counters).sort(), named('RequestCounters').sort());
    const reasons = [...types.split('type LossReason =')[1].split(';')[0].matchAll(/'(\w+)'/g)].map((it) => it[1]);
    assert.deepEqual(Object.keys(counters.lost).sort(), reasons.sort());
  }
  assert.deepEqual(Object.keys(worker.counters()).sort(), named('WorkerCounters').sort());
});
