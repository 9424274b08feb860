/** The multicast bus, on the loopback device. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Bus, Context } from 'zpatterns';
import { patiently, refused, script } from './helpers.mjs';

/** A port that nobody uses, because somebody just did. */
async function somewhere() {
  const probe = createSocket('udp4').bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return `epgm://127.0.0.1;239.192.7.1:${port}`;
}

/** A place on the bus that closes with the test. */
function open(t, endpoint, options = {}) {
  const bus = new Bus(endpoint, { subscribe: '', ...options });
  t.after(() => bus.close({ linger: 0 }).catch(() => {}));
  return bus;
}

/** The next message, by one who misses nothing. */
async function message(bus) {
  for (;;) {
    const event = await bus.receive(patiently);
    if (event.type === 'message') return event;
    assert.equal(event.type, 'joined');
  }
}

const text = async (bus) => (await message(bus)).frames.map(String);

test('what one says all hear, and nobody hears himself', async (t) => {
  const endpoint = await somewhere();
  const [one, other] = [open(t, endpoint), open(t, endpoint)];
  const third = open(t, endpoint, { subscribe: ['and', Buffer.from('never')] });
  await one.send(['hello', '', Buffer.from('all')]);
  await other.send('and you');
  const { peer, frames } = await message(other);
  assert.deepEqual(frames.map(String), ['hello', '', 'all']);
  assert.match(peer, /^[0-9a-f]{12}:\d+$/);
  assert.deepEqual([await text(one), await text(third)], [['and you'], ['and you']]);
  await refused('Timeout', one.receive({ timeout: 0 }));
  assert.equal(one.interface, '127.0.0.1');
  const [heard] = other.peers();
  assert.deepEqual([heard.peer, heard.received.delivered, heard.received.missed], [peer, 1, 0]);
});

test('many of every size arrive in order and whole', async (t) => {
  const endpoint = await somewhere();
  const [listener, sender] = [open(t, endpoint), open(t, endpoint)];
  const sizes = [0, 1, 254, 1400, 1428, 1429, 8192, 65_536, 1 << 20];
  const body = (index) => Buffer.alloc(sizes[index % sizes.length], index);
  const sending = sender.sendMany(Array.from({ length: 90 }, (_, index) => [String(index), body(index)]), patiently);
  let count = 0;
  for await (const batch of listener.batches({ max: 10 })) {
    assert.ok(batch.length <= 10);
    for (const event of batch) {
      if (event.type !== 'message') continue;
      assert.equal(String(event.frames[0]), String(count));
      assert.ok(event.frames[1].equals(body(count)), `message ${count}`);
      count += 1;
    }
    if (count === 90) break;
  }
  await sending;
  for (let index = 0; index < 20_000; index++) await sender.send(['small', String(index)]);
  for (let index = 0; index < 20_000; index++) assert.deepEqual(await text(listener), ['small', String(index)]);
  const { sent } = sender.counters();
  assert.equal(sent.messages, 20_090);
  await sender.close();
  assert.equal(sender.counters().sent.messages, 20_090, 'the last stay');
  assert.equal((await listener.receive(patiently)).type, 'gone');
});

test('subscribing', async (t) => {
  const endpoint = await somewhere();
  const [listener, sender] = [open(t, endpoint, { subscribe: [] }), open(t, endpoint, { subscribe: undefined })];
  listener.subscribe('b');
  for (const word of ['a', 'b', 'ab', 'bc']) await sender.send(word);
  assert.deepEqual([await text(listener), await text(listener)], [['b'], ['bc']]);
  listener.unsubscribe(Buffer.from('b'));
  await refused('NotFound', () => listener.unsubscribe('b'));
});

test('who does not keep up is told what it lost', async (t) => {
  const endpoint = await somewhere();
  const [slow, witness, sender] = [open(t, endpoint, { maxEvents: 10 }), open(t, endpoint), open(t, endpoint)];
  await sender.sendMany(Array.from({ length: 100 }, (_, index) => String(index)));
  for (let index = 0; index < 100; index++) await message(witness);
  while (slow.counters().received.delivered < 100) await new Promise(setImmediate);
  let [messages, dropped] = [0, 0];
  while (messages + dropped < 100) {
    for (const event of await slow.receiveMany(patiently)) {
      if (event.type === 'message') messages += 1;
      if (event.type === 'dropped') dropped += event.count;
    }
  }
  assert.ok(dropped > 0);
  assert.equal(slow.counters().dropped, dropped);
});

test('what is thrown away is repeated', async (t) => {
  const endpoint = await somewhere();
  const [listener, sender] = [open(t, endpoint), open(t, endpoint)];
  await sender.send('first');
  assert.deepEqual(await text(listener), ['first']);
  listener.injectLoss(0.2);
  await sender.sendMany(Array.from({ length: 200 }, (_, index) => [String(index), Buffer.alloc(4000)]), patiently);
  for (let index = 0; index < 200; index++) assert.equal((await text(listener))[0], String(index));
  const { injected, received } = listener.counters();
  assert.ok(injected > 0 && received.repaired > 0);
  assert.equal(received.missed, 0);
  listener.injectLoss(0);
  await refused('InvalidArgument', () => listener.injectLoss(1.1));
});

test('waits end', async (t) => {
  const endpoint = await somewhere();
  const bus = open(t, endpoint);
  await refused('Timeout', bus.receive({ timeout: 10 }));
  await refused('Cancelled', bus.receive({ signal: AbortSignal.timeout(10) }));
  const waiting = refused('Closed', bus.receive());
  const iterating = (async () => {
    for await (const event of bus) assert.fail(event.type);
  })();
  await bus.close();
  await waiting;
  await iterating;
  await bus.close();
  assert.ok(bus.closed);
  await refused('Closed', bus.receive());
  await refused('Closed', bus.send('late'));
  await refused('Closed', () => bus.peers());

  const context = new Context();
  const other = open(t, endpoint, { context });
  const ended = refused('Closed', other.receive());
  context.shutdown();
  await ended;
});

test('who sends too much waits for room', async (t) => {
  const endpoint = await somewhere();
  const [bus, listener] = [open(t, endpoint, { rate: 20_000_000, maxUnsent: 100_000 }), open(t, endpoint)];
  const big = Buffer.alloc(90_000);
  const error = await refused('Full', bus.sendMany(Array(100).fill(big), { timeout: 0 }));
  const accepted = Number(error.context.accepted);
  assert.ok(accepted > 0 && accepted < 100);
  await Promise.all(Array.from({ length: 20 }, () => bus.send(big)));
  for (let index = 0; index < accepted + 20; index++) await message(listener);
});

test('mistakes are named', async (t) => {
  const endpoint = await somewhere();
  await refused('InvalidEndpoint', () => new Bus('tcp://127.0.0.1:5555'));
  await refused('AddressNotAvailable', () => new Bus('epgm://nowhere;239.192.7.1:5555'));
  for (const options of [{ rate: 1 }, { rate: 'x' }, { looped: 1 }, { speed: 5 }, { linger: -1 }, { subscribe: 5 }]) {
    await refused('InvalidArgument', () => new Bus(endpoint, options));
  }
  const all = {
    rate: 1e6, window: 1e6, maxUnsent: 1e6, hops: 2, looped: false, maxPeers: 5, maxBehind: 1e6, maxMessage: 1e6,
    maxEvents: 100, maxBytes: 1e6, forget: 1000, linger: 5,
  };
  const bus = open(t, endpoint, all);
  await refused('InvalidArgument', bus.send([]));
  await refused('InvalidArgument', bus.send(5));
});

test('a bus is disposed of', async (t) => {
  const endpoint = await somewhere();
  const listener = open(t, endpoint);
  const sender = new Bus(endpoint);
  sender.send('last');
  sender[Symbol.dispose]();
  assert.ok(sender.closed);
  assert.deepEqual(await text(listener), ['last']);
  assert.equal((await listener.receive(patiently)).type, 'gone');
});

const prelude = `
  import { Bus } from 'zpatterns';
  const [endpoint] = process.argv.slice(1);
`;
const clean = { code: 0, signal: null, stdout: '', stderr: '' };

test('a process with an idle bus ends', async (t) => {
  const endpoint = await somewhere();
  const idle = `${prelude} const bus = new Bus(endpoint, { subscribe: '' });`;
  assert.deepEqual(await script(t, idle, [endpoint]).ended, clean);
});

test('a process stays while it waits, also for its own closing', async (t) => {
  const endpoint = await somewhere();
  const listener = open(t, endpoint);
  const child = script(t, `${prelude}
    const bus = new Bus(endpoint, { subscribe: '' });
    console.log('ready');
    for await (const { frames } of bus) if (frames) { console.log(String(frames)); break; }
    await bus.send('answer');
    await bus.close();
    console.log('closed');
  `, [endpoint]);
  assert.equal(await child.line(), 'ready');
  await listener.send('came');
  assert.equal(await child.line(), 'came');
  assert.equal(await child.line(), 'closed');
  assert.equal((await child.ended).code, 0);
  assert.deepEqual(await text(listener), ['answer']);
});

const endings = {
  'by itself': '',
  'by process.exit': 'process.exit(0);',
  'with a send in its exit handler': 'process.on("exit", () => bus.send("699"));',
};
for (const [name, ending] of Object.entries(endings)) {
  test(`what was sent leaves when a process ends ${name}`, async (t) => {
    const endpoint = await somewhere();
    const listener = open(t, endpoint);
    const count = ending.includes('699') ? 699 : 700;
    const child = script(t, `${prelude}
      const bus = new Bus(endpoint);
      for (let index = 0; index < ${count}; index++) bus.send(String(index));
      ${ending}
    `, [endpoint]);
    for (let index = 0; index < 700; index++) assert.deepEqual(await text(listener), [String(index)]);
    assert.deepEqual(await child.ended, clean);
  });
}

const middles = {
  'a receive': 'bus.receive(); tell();',
  'an iterator': 'tell(); for await (const event of bus);',
  'a busy exchange': `
    const other = new Bus(workerData);
    (async () => { for (;;) await other.send('x'); })();
    let count = 0;
    for await (const event of bus) if (++count === 1000) tell();
  `,
  'closing': 'await bus.send("x"); bus.close(); tell(); setInterval(() => {}, 1000);',
};
for (const [name, source] of Object.entries(middles)) {
  test(`a worker may be terminated in the middle of ${name}`, async (t) => {
    const endpoint = await somewhere();
    for (let round = 0; round < 3; round++) {
      const ending = new Worker(`
        const { Bus } = require('zpatterns');
        const { parentPort, workerData } = require('node:worker_threads');
        const tell = () => parentPort.postMessage('ready');
        (async () => { const bus = new Bus(workerData, { subscribe: '' }); ${source} })();
      `, { eval: true, workerData: endpoint });
      t.after(() => ending.terminate());
      await once(ending, 'message');
      assert.equal(await ending.terminate(), 1);
    }
  });
}
