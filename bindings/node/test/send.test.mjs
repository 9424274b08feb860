/** Coalesced sends: in order, never lost in silence, held back when there is no room. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, pair, patiently, refused } from './helpers.mjs';

/** As many messages as asked for. */
async function take(socket, count) {
  const taken = [];
  while (taken.length < count) taken.push(...(await socket.receiveMany(patiently)));
  return taken.map(String);
}

test('small, large and multipart messages keep their order', async (t) => {
  const [push, pull] = pair(t);
  const wanted = [];
  const sends = [];
  for (let index = 0; index < 3_000; index++) {
    const text = `${index} `.padEnd(index % 7 === 0 ? 20_000 : index % 50, '.');
    wanted.push(text);
    sends.push(push.send(index % 3 === 0 ? Buffer.from(text) : text));
  }
  const taken = take(pull, wanted.length);
  await Promise.all(sends);
  assert.deepEqual(await taken, wanted);
});

test('a program that awaits each send is held back by a slow receiver', async (t) => {
  const [push, pull] = pair(t, ['push', 'pull'], 'inproc://slow', { sendHwm: 10, recvHwm: 10, inboxMessages: 10 });
  let accepted = 0;
  const sending = (async () => {
    for (; accepted < 5_000; accepted++) await push.send(String(accepted));
    await push.flush();
  })();
  // The first wait: until the sender has had to stop.
  while (push.stats().sendFull === 0) await new Promise(setImmediate);
  assert.ok(accepted < 1_000, `${accepted} accepted`);
  const taken = take(pull, 5_000);
  await sending;
  assert.deepEqual(await taken, Array.from({ length: 5_000 }, (_, index) => String(index)));
  assert.equal(push.stats().pendingMessages, 0);
});

test('sends that nobody awaits wait in line, and the line has an end', async (t) => {
  const push = open(t, 'push');
  const outcomes = [];
  for (let index = 0; index < 70_000; index++) {
    outcomes.push(push.send(`${index}`).then(() => 'sent', (error) => error.code));
  }
  await push.close({ linger: 0 }).catch(() => {});
  const counts = {};
  for (const outcome of await Promise.all(outcomes)) counts[outcome] = (counts[outcome] ?? 0) + 1;
  assert.equal(counts.Closed >= 65_536 && counts.Full > 0, true, JSON.stringify(counts));
});

test('a send that waits can time out, be cancelled, and does not leave afterwards', async (t) => {
  const push = open(t, 'push');
  const endpoint = push.bind('tcp://127.0.0.1:0');
  await refused('Timeout', push.send('late', { timeout: 5 }));
  const abort = new AbortController();
  const waiting = refused('Cancelled', push.send('cancelled', { signal: abort.signal }));
  const second = push.send('kept', patiently);
  const reason = new Error('enough');
  abort.abort(reason);
  assert.equal((await waiting).cause, reason);
  await refused('Cancelled', push.send('x', { signal: AbortSignal.abort() }));
  const many = await refused('Timeout', push.sendMany(['a', 'b'], { timeout: 5 }));
  assert.equal(typeof many.context.accepted, 'string');
  const pull = open(t, 'pull');
  pull.connect(endpoint);
  await second;
  const rest = [await pull.receiveText(patiently)];
  await push.send('end', patiently);
  while (rest.at(-1) !== 'end') rest.push(await pull.receiveText(patiently));
  assert.ok(!rest.includes('late') && !rest.includes('cancelled') && rest.includes('kept'), rest.join());
});

test('a refused message does not take others with it', async (t) => {
  const router = open(t, 'router');
  const dealer = open(t, 'dealer', { routingId: 'peer' });
  dealer.connect(router.bind('tcp://127.0.0.1:0'));
  await dealer.send('here');
  await router.receiveMultipart(patiently);
  const outcomes = await Promise.allSettled([
    router.send(['peer', '1']),
    router.send(['nobody', '2']),
    router.send(['peer', '3']),
  ]);
  assert.deepEqual(outcomes.map((outcome) => outcome.reason?.code), [undefined, 'Unreachable', undefined]);
  assert.deepEqual(await take(dealer, 2), ['1', '3']);
  const error = await refused('Unreachable', router.sendMany([['peer', '4'], ['nobody', '5'], ['peer', '6']]));
  assert.equal(error.context.accepted, '1');
});

test('close hands over what was accepted, and says what it could not', async (t) => {
  const [push, pull] = pair(t, ['push', 'pull'], 'tcp://127.0.0.1:0', { linger: 30_000 });
  for (let index = 0; index < 100; index++) push.send(`${index}`);
  await push.close();
  assert.equal((await take(pull, 100)).length, 100);

  const warned = new Promise((resolve) => process.once('warning', resolve));
  const alone = open(t, 'push');
  // Accepted before it turns out that nobody is there.
  await alone.send('x');
  await refused('Timeout', alone.close({ linger: 5 }));
  assert.equal(alone.stats().lostPending, 1);
  assert.match((await warned).message, /1 accepted message/);
});

test('dispose closes', async (t) => {
  const [push, pull] = pair(t, ['push', 'pull'], 'tcp://127.0.0.1:0', { linger: 30_000 });
  await push.send('x');
  push[Symbol.dispose]();
  assert.ok(push.closed);
  assert.equal(await pull.receiveText(patiently), 'x');
  await pull[Symbol.asyncDispose]();
  assert.ok(pull.closed);
});

test('the event loop turns while a program sends and receives without a pause', async (t) => {
  const [push, pull] = pair(t, ['push', 'pull'], 'inproc://busy', { sendHwm: 1_000_000, inboxMessages: 1_000_000 });
  let turned = false;
  setImmediate(() => (turned = true));
  while (!turned) await push.send('x');
  let last = '';
  turned = false;
  const sending = (async () => {
    while (!turned) await push.send('y');
    await push.send('end');
    await push.flush();
  })();
  setImmediate(() => setImmediate(() => (turned = true)));
  for await (const message of pull) if ((last = message.toString()) === 'end') break;
  await sending;
  assert.equal(last, 'end');
});
