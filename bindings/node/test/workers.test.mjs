/** Worker threads: each has its own context, and may end in the middle of anything. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { open, patiently, script } from './helpers.mjs';

/** A worker that runs the source, with `Socket`, `parentPort` and `workerData` at hand. */
function worker(t, source, workerData) {
  const prelude = `
    const { Socket } = require('zpatterns');
    const { parentPort, workerData } = require('node:worker_threads');
  `;
  const started = new Worker(`${prelude}(async () => {${source}})()`, { eval: true, workerData });
  t.after(() => started.terminate());
  return started;
}

test('workers and the main thread exchange messages', async (t) => {
  const pull = open(t, 'pull');
  const endpoint = pull.bind('tcp://127.0.0.1:0');
  const source = `
    const push = new Socket('push');
    push.connect(workerData);
    for (let index = 0; index < 1000; index++) await push.send(String(index));
    await push.close();
  `;
  const workers = [1, 2, 3].map(() => worker(t, source, endpoint));
  const ended = Promise.all(workers.map((each) => once(each, 'exit')));
  let sum = 0;
  for (let count = 0; count < 3_000; count++) sum += Number(await pull.receiveText(patiently));
  assert.equal(sum, (3 * 999 * 1000) / 2);
  await ended;
});

const middles = {
  'a receive': 'pull.receive(); tell();',
  'an iterator': 'tell(); for await (const message of pull);',
  'a send without room': 'const push = new Socket("push", { linger: 0 }); push.send("x", { timeout: 60_000 }); tell();',
  'a busy exchange': `
    const push = new Socket('push', { linger: 0 });
    push.connect(pull.bind('inproc://busy'));
    (async () => { for (;;) await push.send('x'); })();
    let count = 0;
    for await (const message of pull) if (++count === 1000) tell();
  `,
  'a monitor': 'const monitor = pull.monitor(); tell(); for await (const event of monitor);',
};
for (const [name, source] of Object.entries(middles)) {
  test(`a worker may be terminated in the middle of ${name}`, async (t) => {
    for (let round = 0; round < 5; round++) {
      const ending = worker(t, `
        const tell = () => parentPort.postMessage('ready');
        const pull = new Socket('pull', { linger: 0 });
        ${source}
      `);
      await once(ending, 'message');
      assert.equal(await ending.terminate(), 1);
    }
  });
}

test('messages of a worker that ends leave within their linger', async (t) => {
  const pull = open(t, 'pull');
  const ending = worker(t, `
    const push = new Socket('push', { linger: 30_000 });
    push.connect(workerData);
    for (let index = 0; index < 500; index++) push.send(String(index));
    await push.flush();
    parentPort.postMessage('sent');
    await new Promise(() => setInterval(() => {}, 1000));
  `, pull.bind('tcp://127.0.0.1:0'));
  await once(ending, 'message');
  const terminated = ending.terminate();
  for (let index = 0; index < 500; index++) assert.equal(await pull.receiveText(patiently), String(index));
  await terminated;
});

test('a process that exits takes its workers with it', async (t) => {
  const child = script(t, `
    import { Worker } from 'node:worker_threads';
    const source = "const { Socket } = require('zpatterns'); const pull = new Socket('pull');" +
      "pull.receive(); require('node:worker_threads').parentPort.postMessage('ready');";
    for (let count = 0; count < 3; count++) {
      await new Promise((resolve) => new Worker(source, { eval: true, execArgv: [] }).once('message', resolve));
    }
    process.exit(0);
  `);
  assert.deepEqual(await child.ended, { code: 0, signal: null, stdout: '', stderr: '' });
});
