/** A broker tells what became of requests: in all, of each service, and of each client and worker. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, patiently, refused } from './helpers.mjs';
import { broker, client, deadline, town, work, worker } from './town.mjs';

/** Returns when `condition` holds; the watchdog of the test runner ends what never does. */
async function until(condition) {
  while (!condition()) await new Promise(setImmediate);
}

const sum = (counts) => Object.values(counts).reduce((all, one) => all + one, 0);

/** What must always be so. */
function balanced(broker) {
  for (const { counters } of broker.services()) {
    assert.equal(counters.accepted, counters.delivered + sum(counters.lost) + counters.held);
  }
  for (const { requests, answered, failed, held, unfetched } of broker.peers()) {
    assert.equal(requests, answered + failed + held);
    assert.ok(Number.isInteger(unfetched) && unfetched >= 0);
  }
}

test('of each service', async (t) => {
  const middle = broker(t);
  assert.deepEqual(middle.services(), []);
  const asker = client(t, middle.endpoints);
  const echo = worker(t, middle.endpoints, 'echo', { credit: 10 });
  work(echo);
  const fails = worker(t, middle.endpoints, 'Grüße');
  work(fails, (job) => job.fail(7));
  await Promise.all(['1', '2', '3'].map((text) => asker.request('echo', text, { deadline })));
  await refused('JobFailed', asker.request('Grüße', '', { deadline }));
  await refused('NotFound', asker.request('nobody', '', { patience: 1, deadline }));
  const services = middle.services();
  assert.deepEqual(services.map(({ name, workers, counters }) => [name, workers, counters.delivered]), [
    ['Grüße', 1, 1],
    ['echo', 1, 3],
  ]);
  assert.deepEqual(Object.keys(services[0].counters), Object.keys(middle.counters()));
  assert.deepEqual([middle.counters().accepted, middle.counters().lost.noService], [5, 1]);
  balanced(middle);
  echo.close();
  await until(() => middle.services().find(({ name }) => name === 'echo').workers === 0);
  assert.equal(middle.services().length, 2);
});

test('of each client and worker', async (t) => {
  const { broker, client: asker, worker: answerer } = town(t);
  const asked = asker.request('service', 'one', { deadline });
  const job = await answerer.next(patiently);
  const peers = broker.peers();
  for (const { requests, answered, failed, held } of peers) {
    assert.deepEqual([requests, answered, failed, held], [1, 0, 0, 1]);
  }
  assert.deepEqual(peers.map(({ number }) => number), [1, 2]);
  // Either may have come first.
  assert.deepEqual(new Set(peers.map(({ service }) => service)), new Set([undefined, 'service']));
  job.reply('answer');
  await asked;
  const failed = refused('Timeout', asker.request('service', 'two', { deadline: 200 }));
  (await answerer.next(patiently)).sendPartial('never whole');
  await failed;
  const last = broker.peers().find(({ service }) => service === undefined);
  assert.deepEqual([last.requests, last.answered, last.failed, last.held], [2, 1, 1, 0]);
  balanced(broker);
  const later = client(t, broker.endpoints);
  const open = later.request('nobody', '', { deadline });
  await until(() => broker.peers().length === 3);
  assert.equal(broker.peers()[2].number, 3);
  later.close();
  await refused('Closed', open);
  await until(() => broker.peers().length === 2);
});

test('the name of a service is whatever a worker says', async (t) => {
  const middle = broker(t);
  const old = open(t, 'dealer');
  old.connect(middle.endpoints[0]);
  await old.send(['', 'MDPW01', '\x01', Buffer.from([0x61, 0xff, 0x00])]);
  await until(() => middle.services().length === 1);
  const [{ name, workers }] = middle.services();
  assert.deepEqual([name, workers], ['a\ufffd\0', 1]);
  assert.deepEqual(middle.peers(), []);
});
