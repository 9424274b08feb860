/** Programs that speak older protocols: at the plain endpoints of a broker, and as servers of the Freelance pattern. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, patiently, refused } from './helpers.mjs';
import { broker, client, deadline, server, work, worker } from './town.mjs';

const anywhere = 'tcp://127.0.0.1:0';
const [READY, HEARTBEAT] = ['\x01', '\x02'];

/** A socket of the type that an old program would use, connected. */
function old(t, type, endpoint) {
  const socket = open(t, type);
  socket.connect(endpoint);
  return socket;
}

const texts = async (socket) => (await socket.receiveMultipart(patiently)).map(String);

test('clients that say nothing but their question', async (t) => {
  const middle = broker(t, { plain: [{ endpoint: anywhere, side: 'clients', service: 'greet' }] });
  assert.equal(middle.endpoints.length, 2);
  const [ours, theirs] = middle.endpoints;
  assert.match(theirs, /^tcp:\/\/127\.0\.0\.1:[1-9]/);
  work(worker(t, ours, 'greet', { credit: 10 }), (job) => job.reply([...job.body, job.service]));
  const [req, dealer, envelope] = [old(t, 'req', theirs), old(t, 'dealer', theirs), old(t, 'dealer', theirs)];
  await req.send(['one', 'two']);
  assert.deepEqual(await texts(req), ['one', 'two', 'greet']);
  await dealer.send('three');
  assert.deepEqual(await texts(dealer), ['three', 'greet']);
  await envelope.send(['', 'four']);
  assert.deepEqual(await texts(envelope), ['', 'four', 'greet']);
});

test('workers of the LRU queue and of the Paranoid Pirate', async (t) => {
  const plain = ['simple', 'paranoid'].map((service) => ({ endpoint: anywhere, side: 'workers', service }));
  const middle = broker(t, { plain });
  const [ours, simple, paranoid] = middle.endpoints;
  const asker = client(t, ours);
  const ask = (service) => asker.request(service, [service, 'question'], { deadline });

  const req = old(t, 'req', simple);
  await req.send('READY');
  const first = ask('simple');
  const [address, empty, ...body] = await req.receiveMultipart(patiently);
  assert.deepEqual([empty, ...body].map(String), ['', 'simple', 'question']);
  await req.send([address, empty, 'answer']);
  assert.deepEqual((await first).map(String), ['answer']);

  const dealer = old(t, 'dealer', paranoid);
  await dealer.send(READY);
  const beating = setInterval(() => dealer.send(HEARTBEAT), 50);
  t.after(() => clearInterval(beating));
  const second = ask('paranoid');
  for await (const frames of dealer.multipart()) {
    if (frames.length === 1) continue;
    await dealer.send([...frames, 'answer']);
    break;
  }
  // Address and empty frame are the envelope.
  assert.deepEqual((await second).map(String), ['paranoid', 'question', 'answer']);
  assert.deepEqual(middle.services().map(({ name, counters }) => [name, counters.delivered]), [
    ['paranoid', 1],
    ['simple', 1],
  ]);
  // Only who connected with the protocol of its own is a peer that it can tell of.
  assert.deepEqual(middle.peers().map(({ requests, service }) => [requests, service]), [[2, undefined]]);
});

/** A server as the Guide has it: a ROUTER that answers pings at once, and hands questions to `answer`. */
function freelance(t, answer) {
  const socket = open(t, 'router');
  const endpoint = socket.bind(anywhere);
  (async () => {
    for await (const [peer, control, ...body] of socket.multipart()) {
      if (String(control) === 'PING') await socket.send([peer, 'PONG']);
      else answer((reply) => socket.send([peer, control, ...reply]), body);
    }
  })();
  return endpoint;
}

test('servers of the Freelance pattern, and nobody else', async (t) => {
  const endpoint = freelance(t, (reply, body) => reply([...body, 'answer']));
  const asker = client(t, [], { freelance: [{ endpoint, service: 'echo' }] });
  const answers = await Promise.all(['1', '2', '3'].map((text) => asker.request('echo', text, { deadline })));
  assert.deepEqual(answers.map((frames) => frames.map(String)), ['1', '2', '3'].map((text) => [text, 'answer']));
  const cannot = asker.request('echo', 'x', { once: true, key: 'k', deadline });
  assert.equal((await refused('Unsupported', cannot)).mayHaveRun, false);
  await refused('NotFound', asker.request('nobody', 'x', { patience: 1, deadline }));
});

test('a server of the Freelance pattern has as many requests at once as its credit says', async (t) => {
  const held = [];
  // It answers when it has two, the newest first.
  const endpoint = freelance(t, (reply, body) => {
    held.push(() => reply([...body, 'answer']));
    if (held.length === 2) while (held.length > 0) held.pop()();
  });
  const beside = server(t, 'ours');
  work(beside);
  const asker = client(t, beside.endpoint, { freelance: [{ endpoint, service: 'echo', credit: 2 }] });
  const asked = ['one', 'two', 'three', 'four'].map((text) => asker.request('echo', text, { deadline }));
  assert.equal(String(await asker.request('ours', 'five', { deadline })), 'five');
  assert.deepEqual((await Promise.all(asked)).map(([text]) => String(text)), ['one', 'two', 'three', 'four']);
});

test('endpoints of old programs that make no sense', async (t) => {
  const [endpoint, service] = [anywhere, 'service'];
  const plain = (list) => broker(t, { plain: list });
  const servers = (list) => client(t, [], { freelance: list });
  const lists = [5, 'x', null, {}, true, [5], ['x'], [null], [undefined], [[]], [{}], new Array(2 ** 32 - 1)];
  for (const bad of lists) {
    await refused('InvalidArgument', () => plain(bad));
    await refused('InvalidArgument', () => servers(bad));
  }
  const both = [
    { endpoint }, { service }, { endpoint, service: '' }, { endpoint, service: 'x'.repeat(256) },
    { endpoint, service: 5 }, { endpoint: 5, service }, { endpoint, service, nope: 1 },
  ];
  for (const bad of both) {
    await refused('InvalidArgument', () => plain([{ side: 'clients', ...bad }]));
    await refused('InvalidArgument', () => servers([{ credit: 1, ...bad }]));
  }
  for (const side of [undefined, null, 'client', 'Clients', 0]) {
    const error = await refused('InvalidArgument', () => plain([{ endpoint, service, side }]));
    assert.equal(error.context.option, 'side');
  }
  for (const credit of [0, -1, 1.5, 2 ** 32, Number.NaN, '1', null]) {
    const error = await refused('InvalidArgument', () => servers([{ endpoint, service, credit }]));
    assert.equal(error.context.option, 'credit');
  }
  for (const bad of ['', 'nope', 'tcp://127.0.0.1']) {
    await refused('InvalidEndpoint', () => plain([{ endpoint: bad, service, side: 'workers' }]));
    await refused('InvalidEndpoint', () => servers([{ endpoint: bad, service }]));
  }
  const good = { endpoint, service, side: 'clients' };
  const { endpoints } = plain([good]);
  await refused('AddressInUse', () => plain([{ ...good, endpoint: endpoints[1] }]));
  await refused('InvalidArgument', () => servers([]));
  await refused('InvalidArgument', () => servers(undefined));
  servers([{ endpoint: endpoints[0], service, credit: undefined }]);
});
