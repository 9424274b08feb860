/** Publish-subscribe and the life of processes and worker threads. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { patiently, script } from './helpers.mjs';
import { publisher, somewhere, subscribed, subscriber, text } from './stage.mjs';

const prelude = `
  import { Publisher, Subscriber } from 'zpatterns';
  const [endpoint] = process.argv.slice(1);
`;
const listened = 'while (publisher.counters().subscriptions === 0) await new Promise((resolve) => setTimeout(resolve, 5));';
const clean = { code: 0, signal: null, stdout: '', stderr: '' };

test('a process with idle handles ends', async (t) => {
  const from = publisher(t);
  const idle = `${prelude}
    const subscriber = new Subscriber(endpoint);
    subscriber.subscribe('x');
    const publisher = new Publisher('${somewhere}');
  `;
  assert.deepEqual(await script(t, idle, [from.endpoint]).ended, clean);
});

test('a process stays while it waits, also for its own closing', async (t) => {
  const from = publisher(t);
  const child = script(t, `${prelude}
    const subscriber = new Subscriber(endpoint);
    subscriber.subscribe('x');
    const publisher = new Publisher('${somewhere}', { news: true });
    for await (const { kind, frames } of subscriber) {
      if (kind === 'subscribed') console.log(publisher.endpoint);
      if (kind === 'message') { console.log(String(frames)); break; }
    }
    console.log((await publisher.next()).kind);
    ${listened}
    await publisher.publish('y', 'answer');
    await publisher.close();
    console.log('closed');
  `, [from.endpoint]);
  const endpoint = await child.line();
  await from.publish('x', 'came');
  assert.equal(await child.line(), 'came');
  const who = subscriber(t, { endpoint });
  who.subscribe('y');
  assert.equal(await child.line(), 'joined');
  const kinds = [];
  while (!kinds.includes('message')) kinds.push((await who.receive(patiently)).kind);
  assert.equal(await child.line(), 'closed');
  assert.equal((await child.ended).code, 0);
});

const endings = {
  'by itself': '',
  'by process.exit': 'process.exit(0);',
  'with a publication in its exit handler': 'process.on("exit", () => publisher.publish("x", "699"));',
};
for (const [name, ending] of Object.entries(endings)) {
  test(`what was published arrives when a process ends ${name}`, async (t) => {
    const most = ending.includes('699') ? 699 : 700;
    const child = script(t, `${prelude}
      const publisher = new Publisher('${somewhere}', { linger: 30_000 });
      console.log(publisher.endpoint);
      ${listened}
      for (let index = 0; index < ${most}; index++) publisher.publish('x', String(index));
      ${ending}
    `);
    const who = subscriber(t, { endpoint: await child.line() });
    await subscribed(who, 'x');
    for (let index = 0; index < 700; index++) assert.equal(await text(who), String(index));
    assert.deepEqual({ ...(await child.ended), stdout: '' }, clean);
  });
}

const middles = {
  // After this it is told nothing any more.
  'a receive': "while ((await subscriber.receive()).kind !== 'connected'); subscriber.receive(); tell();",
  'an iterator': 'tell(); for await (const event of subscriber);',
  'a question': 'publisher.next(); tell();',
  'a publication that waits': `
    subscriber.subscribe('x', { slow: 'hold', maxMessages: 1 });
    while ((await subscriber.receive()).kind !== 'subscribed');
    for (let index = 0; index < 1000; index++) publisher.publish('x', 'y').catch(() => {});
    setTimeout(tell, 10);
  `,
  'a busy exchange': `
    subscriber.subscribe('x', { slow: 'hold' });
    (async () => { for (;;) await publisher.publish('x', 'y'); })();
    let count = 0;
    for await (const event of subscriber) if (++count === 1000) tell();
  `,
  'closing': 'publisher.publish("x", "y"); publisher.close(); tell(); setInterval(() => {}, 1000);',
};
for (const [name, source] of Object.entries(middles)) {
  test(`a worker may be terminated in the middle of ${name}`, async (t) => {
    for (let round = 0; round < 3; round++) {
      const ending = new Worker(`
        const { Publisher, Subscriber } = require('zpatterns');
        const { parentPort } = require('node:worker_threads');
        const tell = () => parentPort.postMessage('ready');
        (async () => {
          const publisher = new Publisher('${somewhere}', { linger: 50 });
          const subscriber = new Subscriber(publisher.endpoint);
          ${source}
        })();
      `, { eval: true });
      t.after(() => ending.terminate());
      await once(ending, 'message');
      assert.equal(await ending.terminate(), 1);
    }
  });
}
