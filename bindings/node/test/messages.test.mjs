/** Every byte arrives, over every transport, in every shape. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, open, pair, patiently, refused } from './helpers.mjs';

const shapes = [
  'text',
  'Grüße, 你好, 🦀',
  '',
  'before\0after',
  Buffer.from([0, 255, 254, 0]),
  new Uint8Array(0),
  Buffer.alloc(8191, 1),
  Buffer.alloc(8192, 2),
  Buffer.alloc(1 << 20, 3),
  'é'.repeat(1 << 19),
];

for (const transport of ['tcp', 'ipc', 'inproc', 'ws']) {
  test(`every size and kind of message over ${transport}`, async (t) => {
    const endpoints = {
      tcp: 'tcp://127.0.0.1:0',
      ipc: `ipc://${join(folder(t), 'socket')}`,
      inproc: 'inproc://every-size',
      ws: 'ws://127.0.0.1:0',
    };
    const [push, pull] = pair(t, ['push', 'pull'], endpoints[transport]);
    for (const shape of shapes) await push.send(shape);
    await push.send(['first', Buffer.alloc(10_000, 4), '', 'last']);
    for (const shape of shapes) {
      assert.deepEqual(await pull.receive(patiently), Buffer.from(shape));
    }
    const frames = await pull.receiveMultipart(patiently);
    assert.deepEqual(frames, ['first', Buffer.alloc(10_000, 4), '', 'last'].map((frame) => Buffer.from(frame)));
  });
}

test('a received message is a Buffer that the program owns', async (t) => {
  const [push, pull] = pair(t);
  const sent = [Buffer.alloc(100, 1), Buffer.alloc(100_000, 2)];
  await push.sendMany(sent);
  for (const bytes of sent) {
    const received = await pull.receive(patiently);
    assert.ok(Buffer.isBuffer(received));
    received.fill(9);
    assert.notEqual(bytes[0], 9);
  }
});

test('a sent buffer may be used again at once', async (t) => {
  const [push, pull] = pair(t);
  for (const size of [10, 8192, 100_000]) {
    const buffer = Buffer.alloc(size, 1);
    await push.send(buffer);
    buffer.fill(2);
    assert.deepEqual(await pull.receive(patiently), Buffer.alloc(size, 1));
  }
});

test('a view of a part of a buffer sends that part', async (t) => {
  const [push, pull] = pair(t);
  const whole = Uint8Array.from({ length: 20_000 }, (_, index) => index);
  for (const [from, to] of [[5, 9], [3, 12_003]]) {
    await push.send(whole.subarray(from, to));
    assert.deepEqual(await pull.receive(patiently), Buffer.from(whole.slice(from, to)));
  }
});

test('text is text or an error, and then it stays in line', async (t) => {
  const [push, pull] = pair(t);
  await push.send('Ελλάδα');
  assert.equal(await pull.receiveText(patiently), 'Ελλάδα');
  await push.send(Buffer.from([0xff, 0xfe]));
  await push.send('after');
  await refused('InvalidText', pull.receiveText(patiently));
  assert.deepEqual(await pull.receive(patiently), Buffer.from([0xff, 0xfe]));
  assert.equal(await pull.receiveText(patiently), 'after');
});

test('a message of several frames stays in line for who wants it', async (t) => {
  const [push, pull] = pair(t);
  await push.sendMany(['one', ['a', 'b'], 'two', 'three']);
  assert.equal(await pull.receiveText(patiently), 'one');
  const error = await refused('Unsupported', pull.receive(patiently));
  assert.equal(error.context.frames, '2');
  await refused('Unsupported', pull.receiveMany(patiently));
  assert.deepEqual((await pull.receiveMultipart(patiently)).map(String), ['a', 'b']);
  const rest = [];
  while (rest.length < 2) rest.push(...(await pull.receiveMany(patiently)));
  assert.deepEqual(rest.map(String), ['two', 'three']);
});

test('batches and iterators see every message once, in order', async (t) => {
  const count = 20_000;
  const [push, pull] = pair(t);
  const sending = push.sendMany(Array.from({ length: count }, (_, index) => String(index)));
  let next = 0;
  for (const take of ['each', 'batches', 'multipart']) {
    const until = next + (take === 'multipart' ? count - next : 5_000);
    const iterator = take === 'each' ? pull : take === 'batches' ? pull.batches({ max: 700 }) : pull.multipart();
    for await (const item of iterator) {
      const messages = take === 'each' ? [item] : item;
      if (take === 'multipart') assert.equal(messages.length, 1);
      for (const message of messages) assert.equal(Number(message), next++);
      if (next >= until) break;
    }
  }
  assert.equal(next, count);
  await sending;
  const { receivedMessages, inboxMessages } = pull.stats();
  assert.deepEqual([receivedMessages, inboxMessages], [count, 0]);
});

test('thousands of frames in one message', async (t) => {
  const [push, pull] = pair(t);
  const frames = Array.from({ length: 5_000 }, (_, index) => `${index}`);
  await push.send(frames);
  assert.deepEqual((await pull.receiveMultipart(patiently)).map(String), frames);
});

test('request and reply', async (t) => {
  const [req, rep] = pair(t, ['req', 'rep']);
  await req.send('question');
  assert.equal(await rep.receiveText(patiently), 'question');
  await rep.send('answer');
  assert.equal(await req.receiveText(patiently), 'answer');
});

test('publish and subscribe', async (t) => {
  const [sub, xpub] = pair(t, ['sub', 'xpub']);
  sub.subscribe('news');
  sub.subscribe(Buffer.from('noise'));
  sub.unsubscribe('noise');
  const seen = [];
  while (seen.length < 3) seen.push((await xpub.receive(patiently)).toString('latin1'));
  assert.deepEqual(seen, ['\x01news', '\x01noise', '\x00noise']);
  await xpub.sendMany(['noise 1', 'news 2']);
  assert.equal(await sub.receiveText(patiently), 'news 2');
});

test('router and dealer', async (t) => {
  const [dealer, router] = pair(t, ['dealer', 'router'], 'tcp://127.0.0.1:0', { routingId: undefined });
  await dealer.send('hello');
  const [id, text] = await router.receiveMultipart(patiently);
  assert.equal(text.toString(), 'hello');
  await router.send([id, 'back']);
  assert.equal(await dealer.receiveText(patiently), 'back');
});

test('options reach core', async (t) => {
  const router = open(t, 'router');
  const dealer = open(t, 'dealer', { routingId: 'me', sendHwm: 7, tcpKeepalive: 1, ipv6: false });
  dealer.connect(router.bind('tcp://127.0.0.1:0'));
  await dealer.send('x');
  assert.deepEqual((await router.receiveMultipart(patiently)).map(String), ['me', 'x']);
});
