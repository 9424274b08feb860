/** Custom publish-subscribe: every path, who is slow, who comes late, and the end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Context, Publisher, Socket, Subscriber } from 'zpatterns';
import { patiently, refused } from './helpers.mjs';
import { balanced, count, counted, message, publisher, somewhere, subscribed, subscriber, text } from './stage.mjs';

const paths = {
  'the shared path': ['news.a', {}, true],
  'the connection to the publisher': ['x.y', {}, false],
  'an endpoint of its own': ['x.y', { endpoint: somewhere }, false],
};
for (const [name, [subject, options, shared]] of Object.entries(paths)) {
  test(`everything arrives in order over ${name}`, async (t) => {
    const from = publisher(t);
    const who = subscriber(t, from, options);
    const subscription = await subscribed(who, subject, { slow: 'hold', maxMessages: 500 });
    const [last] = await Promise.all([counted(who, 20_000), count(from, subject, 20_000)]);
    assert.equal(last, 20_000, 'numbers begin with 1');
    const stream = shared ? 'news' : 'rest';
    const view = who.views().find((one) => one.stream === stream);
    assert.deepEqual(view, { subscription, stream, shared, last: 20_000 });
    assert.match(who.endpoint ?? 'none', options.endpoint ? /^tcp:\/\/127\.0\.0\.1:[1-9]/ : /none/);
    balanced(from.counters());
    assert.equal(from.counters().published, 20_000);
  });
}

test('a message says what it is', async (t) => {
  const from = publisher(t);
  const who = subscriber(t, from);
  const subscription = await subscribed(who, 'a.>');
  from.publish('a.b', ['one', '', Buffer.from('three')]);
  from.publish(Buffer.from('a.ü'));
  const { frames, ...facts } = await message(who);
  assert.deepEqual(facts, { kind: 'message', subscription, stream: 'rest', number: 1, subject: 'a.b' });
  assert.deepEqual(frames.map(String), ['one', '', 'three']);
  const { subject, frames: none } = await message(who);
  assert.deepEqual([subject, none], ['a.ü', []]);
  await refused('Timeout', who.receive({ timeout: 0 }));
});

test('many of every size and subject arrive whole', async (t) => {
  const from = publisher(t);
  const who = subscriber(t, from);
  await subscribed(who, { prefix: '', slow: 'hold' });
  const sizes = [0, 1, 254, 1400, 8191, 8192, 65_536, 1 << 20];
  const body = (index) => Buffer.alloc(sizes[index % sizes.length], index);
  const subject = (index) => `${index % 3 === 0 ? 'news' : 'x'}.${index}`;
  const publishing = (async () => {
    for (let index = 0; index < 400; index++) await from.publish(subject(index), [String(index), body(index)]);
    await from.flush(patiently);
  })();
  const next = { news: 0, rest: 1 };
  for (let taken = 0; taken < 400; taken++) {
    const { frames, stream, subject: about } = await message(who);
    const index = next[stream];
    assert.equal(about, subject(index));
    assert.equal(String(frames[0]), String(index));
    assert.ok(frames[1].equals(body(index)), `message ${index}`);
    next[stream] += stream === 'news' ? 3 : index % 3 === 1 ? 1 : 2;
  }
  await publishing;
  assert.equal(who.counters().delivered, 400);
});

test('of who is slow and drops, every publication is heard or missed', async (t) => {
  const from = publisher(t);
  const who = subscriber(t, from, { maxMessages: 100 });
  const subscription = await subscribed(who, 'x.>', { maxMessages: 200 });
  await count(from, 'x.y', 10_000);
  let [heard, missed, last] = [0, 0, 0];
  while (last < 10_000) {
    for (const event of await who.receiveMany(patiently)) {
      if (event.kind === 'message') {
        assert.equal(event.number, last + 1);
        heard += 1;
        last = event.number;
      } else {
        const { kind, stream, first, reason } = event;
        assert.deepEqual([kind, event.subscription, stream, reason], ['missed', subscription, 'rest', 'slow']);
        assert.equal(first, last + 1);
        assert.equal(event.count, event.last - first + 1);
        missed += event.count;
        last = event.last;
      }
    }
  }
  assert.equal(heard + missed, 10_000);
  assert.ok(missed > 0 && heard >= 200, `${heard} heard, ${missed} missed`);
  const { delivered, missed: counted } = who.counters();
  assert.deepEqual([delivered, counted], [heard, missed]);
});

test('who holds makes the publisher wait, and nobody else', async (t) => {
  const from = publisher(t);
  const who = subscriber(t, from);
  await subscribed(who, 'x.>', { slow: 'hold', maxMessages: 10 });
  await count(from, 'x.y', 10);
  await refused('Full', from.publish('x.y', '10', { timeout: 0 }));
  await refused('Timeout', from.publish('x.y', '10', { timeout: 10 }));
  await refused('Cancelled', from.publish('x.y', '10', { signal: AbortSignal.timeout(10) }));
  const error = await refused('Full', from.publishMany(Array(2).fill(['x.y', '10']), { timeout: 0 }));
  assert.equal(error.context.accepted, '2', 'they are accepted, and wait here');
  let done = false;
  const waiting = from.flush().then(() => (done = true));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(!done);
  for (let index = 0; index < 10; index++) assert.equal(await text(who), String(index));
  for (let index = 0; index < 2; index++) assert.equal(await text(who), '10');
  await waiting;
  assert.ok(from.counters().refusedFull > 0);
  const all = Array.from({ length: 2000 }, (_, index) => from.publish('x.y', String(index)));
  for (let index = 0; index < 2000; index++) assert.equal(await text(who), String(index));
  await Promise.all(all);
});

test('who disconnects is sent away', async (t) => {
  const from = publisher(t);
  const who = subscriber(t, from, { maxMessages: 10 });
  await subscribed(who, 'x.>', { slow: 'disconnect', maxMessages: 10 });
  await count(from, 'x.y', 1000);
  const ended = (async () => {
    for await (const { kind } of who) assert.ok(['message', 'missed', 'connected'].includes(kind), kind);
  })();
  await refused('Full', ended);
  await refused('Full', who.receive());
});

test('who comes late gets what it asks for', async (t) => {
  const from = publisher(t);
  const who = subscriber(t, from);
  for (const subject of ['x.a', 'x.b']) await count(from, subject, 100);
  await subscribed(who, 'x.>', { start: 'last-values' });
  assert.deepEqual([await text(who), await text(who)], ['99', '99']);
  await subscribed(who, 'x.b', { last: 3 });
  assert.deepEqual([await text(who), await text(who), await text(who)], ['97', '98', '99']);
  const subscription = await subscribed(who, 'x.c', { start: 'now' });
  who.unsubscribe(subscription);
  await from.publish('x.d', 'once');
  assert.equal(await text(who), 'once');
});

/** A publisher where another one was, as soon as the system lets go of it. */
async function anew(endpoint) {
  for (;;) {
    try {
      return new Publisher(endpoint);
    } catch (error) {
      assert.equal(error.code, 'AddressInUse');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

test('a publisher that starts anew says so', async (t) => {
  const before = publisher(t);
  const who = subscriber(t, before, { heartbeatInterval: 50, heartbeatLimit: 2 });
  await subscribed(who, 'x.>');
  await before.close();
  const after = await anew(before.endpoint);
  t.after(() => after.close({ linger: 0 }));
  const kinds = [];
  while (!kinds.includes('connected')) kinds.push((await who.receive(patiently)).kind);
  assert.deepEqual(kinds, ['restarted', 'connected']);
  while (after.counters().subscriptions === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await after.publish('x.y', 'again');
  assert.deepEqual([(await message(who)).number, who.counters().restarts], [1, 1]);
});

test('plain sockets hear what is public', async (t) => {
  const from = publisher(t, { plain: somewhere });
  const plain = new Socket('sub', { linger: 0 });
  t.after(() => plain.close());
  plain.connect(from.plainEndpoint);
  plain.subscribe('news.');
  const heard = plain.receiveMultipart(patiently);
  const again = setInterval(() => {
    from.publish('secret', 'no');
    from.publish('news.a', ['one', 'two']);
  }, 5);
  assert.deepEqual((await heard).map(String), ['news.a', 'one', 'two']);
  clearInterval(again);
});

test('plain sockets of a user hear what it may', async (t) => {
  const entitlements = 'user\n    alice\n        allow = x.>\n        deny = x.z\n';
  const from = publisher(t, { entitlements, maxPlain: 1 });
  await refused('PermissionDenied', () => from.openPlain('bob', somewhere));
  await refused('InvalidEndpoint', () => from.openPlain('alice', 'nonsense'));
  const endpoint = from.openPlain('alice', somewhere);
  await refused('Full', () => from.openPlain(Buffer.from('alice'), somewhere));
  const plain = new Socket('sub', { linger: 0 });
  t.after(() => plain.close());
  plain.connect(endpoint);
  plain.subscribe('');
  const next = async () => (await plain.receiveMultipart(patiently)).map(String);
  let heard = next();
  const again = setInterval(() => {
    for (const [subject, frames] of [['x.z', 'no'], ['y', 'no'], ['x.y', ['one', 'two']]]) from.publish(subject, frames);
  }, 5);
  await heard;
  clearInterval(again);
  // What was published before may be heard, and nothing else.
  from.setRules('alice', { allow: 'y' });
  from.publish('x.y', 'no more');
  from.publish('y', 'end');
  while (String(await heard) === 'x.y,one,two') heard = next();
  assert.deepEqual(await heard, ['y', 'end']);
  assert.equal(from.counters().plainEndpoints, 1);
  assert.ok(from.counters().handedOver >= 2);
  from.closePlain(endpoint);
  await refused('NotFound', () => from.closePlain(endpoint));
});

test('closing waits for those who are connected', async (t) => {
  const from = publisher(t);
  const who = subscriber(t, from);
  for (const subject of ['x.>', 'news.>']) await subscribed(who, subject, { slow: 'hold' });
  await count(from, 'x.y', 5000);
  await count(from, 'news.y', 5000);
  let turns = 0;
  const turning = setInterval(() => (turns += 1), 1);
  const closing = from.close({ linger: 30_000 });
  assert.ok(from.closed);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(turns > 0, 'the event loop goes on');
  for (let index = 0; index < 10_000; index++) await message(who);
  await closing;
  clearInterval(turning);
  await refused('Closed', from.publish('x.y', 'late'));
  await from.close();
  assert.equal(from.counters().accepted, 10_000, 'the last stay');
  balanced(from.counters());
  assert.throws(() => from.subscribers(), { code: 'Closed' });
});

test('closing waits no longer than its linger', async (t) => {
  const from = publisher(t, { linger: 20 });
  const who = subscriber(t, from, { maxMessages: 10 });
  await subscribed(who, 'x.>');
  await count(from, 'x.y', 100);
  await from.close();
  const { accepted, delivered } = from.counters();
  assert.deepEqual([accepted, delivered], [100, 0]);
  balanced(from.counters());
});

test('waits end', async (t) => {
  const from = publisher(t, { news: true });
  const who = subscriber(t, from);
  await subscribed(who, 'x.>');
  assert.equal((await from.next(patiently)).kind, 'joined');
  for (const wait of [(options) => who.receive(options), (options) => from.next(options)]) {
    await refused('Timeout', wait({ timeout: 10 }));
    await refused('Cancelled', wait({ signal: AbortSignal.timeout(10) }));
    await refused('Cancelled', wait({ signal: AbortSignal.abort() }));
    await refused('InvalidArgument', wait({ timeout: -1 }));
  }
  const waiting = [refused('Closed', who.receive()), refused('Closed', from.next())];
  const iterating = [who, from].map(async (each) => {
    for await (const { kind } of each) assert.fail(kind);
  });
  who.close();
  who.close();
  await from.close();
  await Promise.all([...waiting, ...iterating]);
  assert.ok(who.closed);
  await refused('Closed', who.receive());
  await refused('Closed', () => who.subscribe('x'));
  await refused('Closed', () => who.counters());
  await refused('Closed', from.next());

  const context = new Context();
  const [other, alone] = [publisher(t, { context }), subscriber(t, from, { context })];
  const ended = [refused('Closed', alone.receive()), refused('Closed', other.next())];
  context.shutdown();
  await Promise.all(ended);
});

test('both are disposed of', async (t) => {
  const from = new Publisher(somewhere);
  const who = subscriber(t, from);
  await subscribed(who, 'x');
  from.publish('x', 'last');
  from[Symbol.dispose]();
  assert.ok(from.closed);
  assert.equal(await text(who), 'last');
  const other = new Subscriber(from.endpoint);
  await other[Symbol.asyncDispose]();
  assert.ok(other.closed);
});
