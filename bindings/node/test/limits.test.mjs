/** What must not grow, crash or hang: many sockets, strange peers, a neighbour with another libzmq. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Authenticator, Context, Proxy, ZpatternsError, curveKeyPair } from 'zpatterns';
import { open, pair, patiently, refused, script } from './helpers.mjs';

test('sockets come and go, and nothing grows', async (t) => {
  const child = script(t, `
    import { readdirSync } from 'node:fs';
    import { Socket } from 'zpatterns';
    const files = () => readdirSync('/proc/self/fd').length;
    async function cycle(count) {
      for (let index = 0; index < count; index++) {
        const pull = new Socket('pull');
        const push = new Socket('push');
        push.connect(pull.bind(\`inproc://cycle-\${count}-\${index}\`));
        await push.send('x');
        if (String(await pull.receive({ timeout: 30_000 })) !== 'x') throw new Error('another message');
        await Promise.all([push.close(), pull.close()]);
      }
      gc();
      // A closed socket goes when its reactor has let go of it.
      for (let turn = 0; turn < 1000 && files() > before; turn++) await new Promise(setImmediate);
    }
    let before = Infinity;
    await cycle(500);
    before = files();
    const memory = process.memoryUsage().rss;
    await cycle(3000);
    console.log(JSON.stringify({ files: files() - before, mebibytes: (process.memoryUsage().rss - memory) / 2 ** 20 }));
  `);
  const { stdout, stderr } = await child.ended;
  assert.equal(stderr, '');
  const { files, mebibytes } = JSON.parse(stdout);
  assert.ok(files <= 5 && mebibytes < 30, stdout);
});

test('sockets and contexts that are dropped without close go with the collector', async (t) => {
  const child = script(t, `
    import { readdirSync } from 'node:fs';
    import { Context, Socket } from 'zpatterns';
    const files = () => readdirSync('/proc/self/fd').length;
    const before = files();
    for (let index = 0; index < 200; index++) {
      const context = new Context();
      new Socket('pull', { context }).bind('tcp://127.0.0.1:0');
      if (index % 20 === 0) { gc(); await new Promise(setImmediate); }
    }
    for (let turn = 0; turn < 10_000 && files() > before + 5; turn++) { if (turn % 100 === 0) gc(); await new Promise(setImmediate); }
    console.log(files() - before);
  `);
  const { stdout, stderr } = await child.ended;
  assert.ok(Number(stdout) <= 5, stdout + stderr);
});

test('a receiver that forgets its batches keeps no memory', async (t) => {
  const [push, pull] = pair(t);
  const round = async () => {
    const sending = push.sendMany(Array(50_000).fill(Buffer.alloc(1000)));
    for (let count = 0; count < 50_000; ) count += (await pull.receiveMany(patiently)).length;
    await sending;
  };
  for (let index = 0; index < 3; index++) await round();
  const before = process.memoryUsage().rss;
  for (let index = 0; index < 10; index++) await round();
  const grown = (process.memoryUsage().rss - before) / 2 ** 20;
  assert.ok(grown < 100, `${grown} MiB after 500 MB of messages`);
});

test('peers that do not speak ZMTP, or say too much, harm nobody', async (t) => {
  const pull = open(t, 'pull', { maxMessageSize: 1024 });
  const endpoint = pull.bind('tcp://127.0.0.1:0');
  const { port } = new URL(endpoint);
  const greeting = Buffer.concat([
    Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1]), Buffer.from('NULL'), Buffer.alloc(48),
  ]);
  const strange = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.alloc(100_000, 0xff),
    Buffer.concat([greeting, Buffer.alloc(1000, 0xff)]),
    Buffer.concat([greeting, Buffer.from([6, 255, 255, 255, 255, 255, 255, 255, 255])]),
    greeting.subarray(0, 20),
  ];
  for (const bytes of strange) {
    await new Promise((resolve) => {
      const peer = connect(Number(port), '127.0.0.1', () => peer.end(bytes));
      peer.on('error', () => {}).on('close', resolve).resume();
    });
  }
  const large = open(t, 'push');
  large.connect(endpoint);
  await large.send(Buffer.alloc(2000));
  const push = open(t, 'push');
  push.connect(endpoint);
  await push.send('still here');
  assert.equal(await pull.receiveText(patiently), 'still here');
});

test('a monitor tells of connections, to the last', async (t) => {
  const pull = open(t, 'pull');
  const monitor = pull.monitor();
  const push = open(t, 'push');
  push.connect(pull.bind('tcp://127.0.0.1:0'));
  const kinds = [];
  for await (const event of monitor) {
    kinds.push(event.kind);
    if (event.kind === 'handshake_succeeded') pull.close();
  }
  assert.deepEqual([kinds[0], kinds.at(-1)], ['listening', 'stopped']);
  assert.ok(kinds.includes('accepted') && monitor.lost === 0, kinds.join());
  const second = open(t, 'pull').monitor();
  await refused('Timeout', second.next({ timeout: 1 }));
  const waiting = refused('Closed', second.next());
  second.close();
  await waiting;
});

test('an authenticator decides who comes in', async (t) => {
  const context = new Context();
  const server = curveKeyPair();
  const friend = curveKeyPair();
  const curve = { curveServer: true, curveSecretKey: server.secretKey, context };
  await refused('WrongState', () => open(t, 'pull', curve));
  const authenticator = new Authenticator(context);
  t.after(() => authenticator.close());
  await refused('AddressInUse', () => new Authenticator(context));
  await refused('InvalidArgument', () => authenticator.allowKey('short'));
  authenticator.allowKey(friend.publicKey);
  const pull = open(t, 'pull', curve);
  const endpoint = pull.bind('tcp://127.0.0.1:0');
  const join = (keys) => {
    const push = open(t, 'push', {
      curveServerKey: server.publicKey, curvePublicKey: keys.publicKey, curveSecretKey: keys.secretKey,
    });
    const monitor = push.monitor();
    push.connect(endpoint);
    return [push, monitor];
  };
  const [stranger, monitor] = join(curveKeyPair());
  await stranger.send('stranger');
  while (!(await monitor.next(patiently)).kind.startsWith('handshake_failed'));
  await join(friend)[0].send('friend');
  assert.equal(await pull.receiveText(patiently), 'friend');
  const { allowed, deniedKey, ...others } = authenticator.stats();
  assert.ok(allowed === 1 && deniedKey >= 1, JSON.stringify(authenticator.stats()));
  assert.deepEqual(others, { deniedAddress: 0, deniedUser: 0, deniedMalformed: 0 });
});

test('a proxy passes messages on until a socket of it closes', async (t) => {
  const [front, back, capture] = [open(t, 'pull'), open(t, 'push'), open(t, 'push')];
  const [push, pull, seen] = [open(t, 'push'), open(t, 'pull'), open(t, 'pull')];
  push.connect(front.bind('tcp://127.0.0.1:0'));
  pull.connect(back.bind('tcp://127.0.0.1:0'));
  seen.connect(capture.bind('tcp://127.0.0.1:0'));
  await refused('Unsupported', () => new Proxy(front, pull));
  const proxy = new Proxy(front, back, capture);
  t.after(() => proxy.stop());
  assert.ok(proxy.running);
  await refused('Timeout', proxy.wait({ timeout: 0 }));
  await refused('Timeout', proxy.wait({ timeout: 1 }));
  const ends = [proxy.wait(), proxy.wait(patiently)];
  await push.send(['a', 'b']);
  assert.deepEqual((await pull.receiveMultipart(patiently)).map(String), ['a', 'b']);
  await front.close();
  for (const why of await Promise.all([...ends, proxy.wait()])) {
    assert.ok(why instanceof ZpatternsError);
    assert.equal(why.code, 'Closed');
  }
  assert.equal(proxy.running, false);
  assert.deepEqual(proxy.stats(), {
    forwardMessages: 1, forwardBytes: 2, backwardMessages: 0, backwardBytes: 0, captureLost: 0, lostRefused: 0,
    lostStopped: 0,
  });
});

test('a proxy that is stopped tells whoever waits, and counts on', async (t) => {
  const proxy = new Proxy(open(t, 'router'), open(t, 'dealer'));
  const abort = new AbortController();
  const [end, cancelled] = [proxy.wait(), refused('Cancelled', proxy.wait({ signal: abort.signal }))];
  abort.abort();
  await cancelled;
  proxy.stop();
  proxy.stop();
  assert.equal((await end).code, 'Cancelled');
  assert.equal((await proxy.wait()).code, 'Cancelled');
  assert.equal(proxy.stats().backwardMessages, 0);
});

test('waiting for a proxy keeps the process alive, and does not keep it from exiting', async (t) => {
  const child = script(t, `
    import { Proxy, Socket } from 'zpatterns';
    const front = new Socket('router');
    const proxy = new Proxy(front, new Socket('dealer'));
    setTimeout(() => front.close(), 10).unref();
    console.log((await proxy.wait()).code);
    new Proxy(new Socket('router'), new Socket('dealer')).wait();
    process.exit(3);
  `);
  const { code, stdout, stderr } = await child.ended;
  assert.deepEqual([code, stdout, stderr], [3, 'Closed\n', '']);
});

test('zeromq.js and its libzmq live in the same process', async (t) => {
  const zeromq = await import('zeromq').catch((reason) => t.skip(`zeromq is not installed: ${reason.code}`));
  if (zeromq === undefined) return;
  const pull = open(t, 'pull');
  const push = new zeromq.Push({ linger: 0 });
  t.after(() => push.close());
  push.connect(pull.bind('tcp://127.0.0.1:0'));
  await push.send('from the neighbour');
  assert.equal(await pull.receiveText(patiently), 'from the neighbour');
});
