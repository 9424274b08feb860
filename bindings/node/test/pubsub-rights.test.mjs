/** Who may hear what, who comes and goes, and what is wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Authenticator, Context, Publisher, Subscriber, curveKeyPair } from 'zpatterns';
import { patiently, refused } from './helpers.mjs';
import { message, publisher, somewhere, subscribed, subscriber, text } from './stage.mjs';

const entitlements = 'user\n    alice\n        password = secret\n        allow = x.>\n        deny = x.z\n';

test('who may hear what is written, and taken back', async (t) => {
  const from = publisher(t, { entitlements });
  const forger = subscriber(t, from, { user: 'alice', password: 'guess' });
  for (let round = 0; round < 2; round++) await refused('PermissionDenied', forger.receive(patiently));
  const alice = subscriber(t, from, { user: 'alice', password: Buffer.from('secret') });
  const first = await subscribed(alice, 'x.*');
  const other = alice.subscribe('y.>');
  const { kind, subscription, error } = await alice.receive(patiently);
  assert.deepEqual([kind, subscription, error.code], ['rejected', other, 'PermissionDenied']);
  assert.ok(error instanceof Error && error.message.length > 0);
  await from.publish('x.z', 'no');
  await from.publish('x.y', 'yes');
  assert.equal(await text(alice), 'yes');

  from.publish('x.y', 'before');
  from.setRules('alice', {});
  await from.publish('x.y', 'no more');
  const told = [];
  for (;;) {
    const event = await alice.receive(patiently);
    if (event.kind === 'message') told.push(String(event.frames[0]));
    if (event.kind !== 'rejected') continue;
    assert.deepEqual([event.subscription, event.error.code], [first, 'PermissionDenied']);
    break;
  }
  assert.ok(!told.includes('no more'), String(told));
  from.setEntitlements('anonymous\n    allow = x\n');
  await refused('PermissionDenied', alice.receive(patiently));
  const anybody = subscriber(t, from);
  await subscribed(anybody, 'x');
  const { denied, subscribers } = from.counters();
  assert.ok(denied > 0);
  assert.equal(subscribers, 1);
});

test('the program decides who is let in, and hears who comes and goes', async (t) => {
  const from = publisher(t, { ask: 30_000, news: true });
  const bob = subscriber(t, from, { token: 'bob' });
  const asked = await from.next(patiently);
  assert.equal(asked.kind, 'asked');
  assert.deepEqual(asked.credential, { kind: 'token', token: Buffer.from('bob') });
  assert.equal(String(asked.user), '');
  from.refuse(asked.ask, 'not you');
  const error = await refused('PermissionDenied', bob.receive(patiently));
  assert.match(error.message, /not you/);

  const eve = subscriber(t, from, { user: 'eve', password: 'p', name: 'cell' });
  const { ask, credential, identity } = await from.next(patiently);
  assert.deepEqual(credential, { kind: 'password', user: Buffer.from('eve'), password: Buffer.from('p') });
  from.admit(ask, 'eve', { allow: ['x.>', 'y'], deny: 'x.z' });
  assert.deepEqual(await from.next(patiently), { kind: 'joined', identity, user: Buffer.from('eve') });
  await subscribed(eve, 'x.>');
  for (const [subject, body] of [['x.z', 'no'], ['x.y', 'yes']]) from.publish(subject, body);
  assert.equal(await text(eve), 'yes');
  const [row] = from.subscribers();
  assert.ok(row.identity.equals(identity) && row.connected);
  assert.deepEqual([String(row.user), row.subscriptions, row.accepted], ['eve', 1, 1]);
  eve.close();
  for await (const event of from) {
    assert.deepEqual([event.kind, String(event.user)], ['left', 'eve']);
    break;
  }

  const nobody = subscriber(t, from);
  const last = await from.next(patiently);
  assert.deepEqual(last.credential, { kind: 'none' });
  from.admit(last.ask, '', { allow: '>' });
  await subscribed(nobody, '>');
  from.expel(last.identity, 'enough');
  const away = await refused('PermissionDenied', (async () => {
    for (;;) await nobody.receive(patiently);
  })());
  assert.match(away.message, /enough/);
});

test('who is not answered is refused', async (t) => {
  const from = publisher(t, { ask: 20 });
  const who = subscriber(t, from);
  await refused('PermissionDenied', who.receive(patiently));
});

test('subscribers come by CURVE, or by PLAIN', async (t) => {
  const [server, client] = [curveKeyPair(), curveKeyPair()];
  const context = new Context();
  await refused('WrongState', () => new Publisher(somewhere, { context, curveSecretKey: server.secretKey }));
  const authenticator = new Authenticator(context);
  t.after(() => authenticator.close());
  authenticator.allowKey(client.publicKey);
  const from = publisher(t, { context, curveSecretKey: server.secretKey, shared: undefined, ask: 30_000 });
  const keys = {
    curveServerKey: server.publicKey, curvePublicKey: client.publicKey, curveSecretKey: client.secretKey,
  };
  const who = subscriber(t, from, keys);
  const { ask, user } = await from.next(patiently);
  assert.equal(String(user), client.publicKey);
  from.admit(ask, user, { allow: '>' });
  await subscribed(who, 'x');
  await from.publish('x', 'sealed');
  assert.equal(await text(who), 'sealed');

  authenticator.allowUser('me', 'secret');
  const open = publisher(t, { context, plainServer: true, shared: undefined, news: true });
  await subscribed(subscriber(t, open, { plainUsername: 'me', plainPassword: 'secret' }), 'x');
  assert.equal(String((await open.next(patiently)).user), 'me');
});

test('mistakes are named', async (t) => {
  const wrong = async (option, make) => {
    const error = await refused('InvalidArgument', make);
    assert.equal(error.context.option, option, error.stack);
  };
  const publishers = {
    streams: [[], 5, [5], [null]], shared: [5], entitlements: ['nonsense', 5], ask: [-1, 'x'], news: [1], lease: [1],
    gather: [-1, NaN, 'x'], linger: [-1], curveSecretKey: [5], plainServer: ['x'], speed: [5], maxSubscribers: [0.5],
  };
  for (const [option, values] of Object.entries(publishers)) {
    for (const value of values) await wrong(option, () => new Publisher(somewhere, { [option]: value }));
  }
  await wrong('maxSize', () => new Publisher(somewhere, { maxSize: 0 }));
  await wrong('ask', () => new Publisher(somewhere, { ask: 1, entitlements: '' }));
  await wrong('plainServer', () => new Publisher(somewhere, { plainServer: true, curveSecretKey: 'k'.repeat(40) }));
  for (const [option, stream] of Object.entries({
    name: {}, subjects: { name: 'a', subjects: 'a..b' }, public: { name: 'a', public: 1 }, pace: { name: 'a', pace: 1 },
  })) {
    await wrong(option, () => new Publisher(somewhere, { streams: [stream] }));
  }
  await wrong('subjects', () => new Publisher(somewhere, { streams: [{ name: 'a', subjects: [5] }] }));
  await refused('InvalidEndpoint', () => new Publisher('nowhere'));

  const from = publisher(t);
  await refused('AddressInUse', () => new Publisher(from.endpoint));
  const subscribers = {
    token: { user: 'a', password: 'b', token: 'c' }, password: { user: 'a' },
    curveServerKey: { curveServerKey: 'k' }, plainUsername: { plainUsername: 'a' }, name: { name: '' },
    maxMessages: { maxMessages: 0 }, snailMaxLag: { snailMaxLag: -1 }, keep: { keep: 'x' }, speed: { speed: 5 },
  };
  for (const [option, options] of Object.entries(subscribers)) {
    await wrong(option, () => new Subscriber(from.endpoint, options));
  }
  const who = subscriber(t, from, {
    name: 'n', keep: 1, heartbeatInterval: 500, heartbeatLimit: 2, maxMessages: 5, maxBytes: 1e6, snailMaxLag: 1e6,
  });
  const subscriptions = {
    slow: { slow: 'nope' }, start: { start: 'last' }, last: { start: 'last-values', last: 5 }, shared: { shared: 1 },
    maxMessages: { maxMessages: -1 }, speed: { speed: 5 },
  };
  for (const [option, options] of Object.entries(subscriptions)) await wrong(option, () => who.subscribe('x', options));
  await refused('InvalidArgument', () => who.subscribe('x', { maxMessages: 0 }));
  await refused('InvalidArgument', () => who.subscribe('a..b'));
  await wrong('prefix', () => who.subscribe({ slow: 'hold' }));
  await refused('InvalidArgument', () => who.subscribe());
  await subscribed(who, { prefix: Buffer.from('x'), slow: 'hold' });

  const direct = { timeout: 1000 };
  for (const subject of ['', 'a.*', 'a b', 5]) await refused('InvalidArgument', from.publish(subject, 'x', direct));
  await refused('InvalidArgument', from.publish('x', 5));
  await refused('TooLarge', from.publish('x', Array(256).fill('x'), direct));
  await wrong('allow', () => from.setRules('a', { allow: 'a..b' }));
  await wrong('deny', () => from.setRules('a', { deny: 5 }));
  await refused('InvalidArgument', () => from.setEntitlements('nonsense'));
  const narrow = publisher(t, { streams: [{ name: 'a', subjects: 'a' }], gather: 0.5 });
  await refused('NotFound', narrow.publish('b', 'x', direct));
});

test('what is refused later is said once, and the others arrive', async (t) => {
  const from = publisher(t);
  const who = subscriber(t, from);
  await subscribed(who, '>');
  const warned = new Promise((resolve) => process.once('warning', resolve));
  for (const subject of ['a', 'b..c', 'd']) await from.publish(subject, subject);
  await refused('InvalidArgument', from.flush());
  await from.flush();
  assert.match(String(await warned), /publisher/);
  assert.deepEqual([(await message(who)).subject, (await message(who)).subject], ['a', 'd']);
});
