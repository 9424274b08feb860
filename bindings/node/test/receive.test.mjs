/** Waiting to receive: any number of receivers, timeouts, signals, iterators. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { open, pair, patiently, refused } from './helpers.mjs';

test('receivers are served in their order', async (t) => {
  const [push, pull] = pair(t);
  const waiting = Array.from({ length: 100 }, () => pull.receiveText(patiently));
  await push.sendMany(Array.from({ length: 100 }, (_, index) => String(index)));
  assert.deepEqual(await Promise.all(waiting), Array.from({ length: 100 }, (_, index) => String(index)));
});

test('a signal ends a wait before and during it, and leaves nothing behind', async (t) => {
  const [push, pull] = pair(t);
  const reason = new Error('enough');
  const before = await refused('Cancelled', pull.receive({ signal: AbortSignal.abort(reason) }));
  assert.equal(before.cause, reason);
  const abort = new AbortController();
  const { signal } = abort;
  const waits = [
    pull.receive({ signal }),
    pull.receiveText({ signal }),
    pull.receiveMany({ signal }),
    pull.receiveMultipart({ signal }),
    pull.receiveManyMultipart({ signal }),
    pull.batches({ signal }).next(),
    pull.multipart({ signal }).next(),
    pull.multipartBatches({ signal }).next(),
  ].map((wait) => refused('Cancelled', wait));
  const kept = pull.receiveText(patiently);
  abort.abort();
  await Promise.all(waits);
  await push.send('kept');
  assert.equal(await kept, 'kept');

  const unused = new AbortController();
  const answered = pull.receiveText({ signal: unused.signal, ...patiently });
  await push.send('x');
  await answered;
  assert.equal(getEventListeners(unused.signal, 'abort').length, 0);
});

test('a timeout ends one wait and no other', async (t) => {
  const [push, pull] = pair(t);
  const [long, short] = [pull.receiveText(patiently), refused('Timeout', pull.receive({ timeout: 5 }))];
  await short;
  await push.send('x');
  assert.equal(await long, 'x');
  await push.send('y');
  assert.equal(await pull.receiveText({ timeout: Infinity }), 'y');
});

test('timeout 0 takes what is there', async (t) => {
  const [push, pull] = pair(t);
  await push.sendMany(Array.from({ length: 100_000 }, () => 'x'.repeat(20)));
  let received = 0;
  while (received < 100_000) {
    try {
      received += (await pull.receiveMany({ timeout: 0 })).length;
    } catch (error) {
      assert.equal(error.code, 'Timeout');
      await new Promise(setImmediate);
    }
  }
  assert.equal(received, 100_000);
});

test('an iterator ends with its socket, and a break leaves the rest', async (t) => {
  const [push, pull] = pair(t);
  await push.sendMany(['1', '2', '3']);
  for await (const message of pull) {
    assert.equal(message.toString(), '1');
    break;
  }
  const rest = [];
  for await (const message of pull) {
    if (rest.push(message.toString()) === 2) queueMicrotask(() => pull.close());
  }
  assert.deepEqual(rest, ['2', '3']);
  const iterator = pull.batches();
  assert.deepEqual(await iterator.next(), { value: undefined, done: true });
});

test('an iterator over single frames fails at a message of several', async (t) => {
  const [push, pull] = pair(t);
  await push.sendMany(['1', ['2', '2'], '3']);
  const seen = [];
  const error = await refused('Unsupported', async () => {
    for await (const message of pull) seen.push(message.toString());
  });
  assert.deepEqual([seen, error.context.frames], [['1'], '2']);
  assert.equal((await pull.receiveMultipart(patiently)).length, 2);
  assert.equal(await pull.receiveText(patiently), '3');
});

test('batches of several frames keep the frames of each message together', async (t) => {
  const [push, pull] = pair(t);
  const sent = Array.from({ length: 1000 }, (_, index) =>
    Array.from({ length: 1 + (index % 3) }, (_, frame) => (index % 100 === 7 ? 'x'.repeat(20_000) : `${index}.${frame}`)),
  );
  await push.sendMany(sent);
  const received = await pull.receiveManyMultipart({ max: 10, ...patiently });
  assert.ok(received.length >= 1 && received.length <= 10);
  for await (const batch of pull.multipartBatches({ max: 100 })) {
    assert.ok(batch.length >= 1 && batch.length <= 100);
    received.push(...batch);
    if (received.length === sent.length) break;
  }
  assert.deepEqual(received.map((frames) => frames.map(String)), sent);
  await refused('Timeout', pull.receiveManyMultipart({ timeout: 0 }));
});

test('what nobody took when the socket closed is counted', async (t) => {
  const [push, pull] = pair(t);
  await push.sendMany(Array.from({ length: 10 }, () => 'x'));
  await pull.receive(patiently);
  while (pull.stats().inboxMessages < 9) await new Promise(setImmediate);
  await pull.close();
  const { receivedMessages, lostClosed, inboxMessages } = pull.stats();
  assert.deepEqual([receivedMessages, lostClosed, inboxMessages], [1, 9, 0]);
});
