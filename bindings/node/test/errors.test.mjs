/** Every kind of error has its name in `err.code`, and bad input always gets one. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Context, Socket, ZpatternsError, curveKeyPair, info } from 'zpatterns';
import { folder, open, pair, patiently, refused } from './helpers.mjs';

const root = join(import.meta.dirname, '..');
const addon = createRequire(import.meta.url)(join(root, readdirSync(root).find((name) => name.endsWith('.node'))));

test('every kind of core is a code with its number', () => {
  const kinds = addon.errorKinds();
  assert.deepEqual(kinds.map((kind) => kind.number), kinds.map((_, index) => index + 1));
  for (const { name, number, retryable } of kinds) {
    const error = new ZpatternsError(name, 'text', { fact: 'value' });
    assert.ok(error instanceof Error);
    assert.deepEqual(
      [error.name, error.code, error.number, error.retryable, error.message, error.context.fact],
      ['ZpatternsError', name, number, retryable, 'text', 'value'],
    );
  }
});

test('errors that sockets cause', async (t) => {
  const pull = open(t, 'pull');
  const endpoint = pull.bind('tcp://127.0.0.1:0');
  const inUse = await refused('AddressInUse', () => open(t, 'pull').bind(endpoint));
  assert.ok(inUse instanceof ZpatternsError && inUse.retryable && inUse.number === 3);
  assert.equal(inUse.context.endpoint, endpoint);
  assert.doesNotMatch(inUse.message, /AddressInUse/);

  for (const bad of ['', 'tcp', 'tcp://127.0.0.1:99999', 'nope://x', 'tcp://127.0.0.1:0\0']) {
    await refused('InvalidEndpoint', () => pull.bind(bad));
  }
  await refused('AddressNotAvailable', () => pull.bind('tcp://203.0.113.1:0'));
  await refused('Unsupported', pull.send('x'));
  await refused('Unsupported', pull.send(['x', 'y']));
  await refused('Unsupported', () => pull.subscribe('x'));
  await refused('Unsupported', open(t, 'push').receive(patiently));
  await refused('Timeout', pull.receive({ timeout: 1 }));
  await refused('Timeout', pull.receive({ timeout: 0 }));
  await refused('NotFound', () => pull.unbind('tcp://127.0.0.1:1'));

  const router = open(t, 'router');
  await refused('Unreachable', router.send(['nobody', 'x']));
  await refused('InvalidArgument', router.send('x'));
  await refused('WrongState', open(t, 'rep').send('x'));

  const push = open(t, 'push');
  await refused('Full', push.send('x', { timeout: 0 }));
  await refused('Timeout', push.send('x', { timeout: 1 }));
  await refused('TooLarge', open(t, 'push', { maxMessageSize: 1024 }).send(Buffer.alloc(1025)));
});

test('a small socket is too many', async (t) => {
  const context = new Context({ maxSockets: 1 });
  const sockets = [];
  await refused('TooManyOpen', () => {
    for (let count = 0; count < 50; count++) sockets.push(open(t, 'push', { context }));
  });
});

test('a directory is no socket', async (t) => {
  const error = await refused('PermissionDenied', () => open(t, 'pull').bind(`ipc://${folder(t)}`)).catch((e) => e);
  assert.ok(error.code ?? error);
});

test('closed is closed', async (t) => {
  const [push, pull] = pair(t);
  const waiting = [pull.receive(), pull.receiveMany(), pull.receiveMultipart()].map((wait) => refused('Closed', wait));
  await pull.close();
  await pull.close();
  await Promise.all(waiting);
  assert.ok(pull.closed);
  await refused('Closed', pull.receive());
  await refused('Closed', pull.receiveMany());
  await refused('Closed', () => pull.bind('tcp://127.0.0.1:0'));
  await push.close();
  for (const work of [() => push.send('x'), () => push.send('x', { timeout: 1 }), () => push.sendMany(['x']), () => push.flush()]) {
    await refused('Closed', work);
  }
  assert.equal(push.stats().sentMessages, 0);
});

test('a context that shuts down ends every wait', async (t) => {
  const context = new Context();
  const [push, pull] = pair(t, ['push', 'pull'], 'inproc://down', { context });
  const blocked = open(t, 'push', { context });
  const waits = [pull.receive(), blocked.send('x', patiently)].map((wait) => refused('Closed', wait));
  context.shutdown();
  await Promise.all(waits);
  await refused('Closed', push.send(Buffer.alloc(10_000)));
  await refused('Closed', async () => {
    await push.send('x');
    await push.flush();
  });
});

test('bad values are errors, never crashes', async (t) => {
  const push = open(t, 'push');
  const pull = open(t, 'pull');
  for (const bad of [undefined, null, 5, {}, [5], [], ['x', null], new Float64Array(2), new ArrayBuffer(4), Symbol('x')]) {
    await refused('InvalidArgument', push.send(bad));
  }
  for (const bad of ['text', Buffer.from('bytes')]) await refused('InvalidArgument', push.sendMany(bad));
  for (const timeout of [-1, Number.NaN, '5', null, {}]) {
    await refused('InvalidArgument', pull.receive({ timeout }));
    await refused('InvalidArgument', push.send('x', { timeout }));
  }
  for (const bad of [undefined, null, 5, {}]) {
    await refused('InvalidArgument', () => pull.bind(bad));
    await refused('InvalidArgument', () => open(t, 'sub').subscribe(bad));
  }
  for (const type of ['nope', '', undefined, null, 5, {}]) await refused('InvalidArgument', () => new Socket(type));
  const options = [
    { nope: 1 }, { send_hwm: 1 }, { background: true }, { sendHwm: 0 }, { sendHwm: 1.5 }, { sendHwm: '5' },
    { sendHwm: Number.NaN }, { sendHwm: Infinity }, { sendHwm: 2 ** 60 }, { sendHwm: null }, { linger: -1 },
    { ipv6: 1 }, { ipv6: 'yes' }, { plainUsername: 5 }, { routingId: {} }, { curvePublicKey: 'short' },
  ];
  for (const bad of options) {
    const error = await refused('InvalidArgument', () => new Socket('push', bad));
    assert.ok(error instanceof ZpatternsError, JSON.stringify(bad));
  }
  for (const bad of [{ ioThreads: 0 }, { ioThreads: 1.5 }, { maxSockets: 2 ** 40 }, { ioThreads: 'x' }]) {
    await refused('InvalidArgument', () => new Context(bad));
  }
  await refused('InvalidArgument', () => curveKeyPair('short'));
});

test('key pairs and info', () => {
  const { publicKey, secretKey } = curveKeyPair();
  assert.deepEqual(curveKeyPair(secretKey), { publicKey, secretKey });
  const { curve, transports, version } = info();
  assert.deepEqual([curve, transports], [true, ['inproc', 'ipc', 'tcp', 'ws']]);
  assert.equal(version, createRequire(import.meta.url)('../package.json').version);
});
