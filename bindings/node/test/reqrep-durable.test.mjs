/** Durable requests: stored by one broker, done and fetched by its successor. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Broker } from 'zpatterns';
import { folder, patiently, refused } from './helpers.mjs';
import { broker, client, deadline, town, work, worker } from './town.mjs';

const patience = deadline;

test('a stored request outlives its client and its broker', async (t) => {
  const store = join(folder(t), 'store');
  const first = broker(t, { store });
  const asker = client(t, first.endpoints);
  await asker.store('service', ['some', 'question'], { key: 'a', deadline });
  await asker.store('service', 'another', { key: Buffer.from('b'), deadline });
  await refused('Timeout', asker.fetch('service', 'a', { patience: 1 }));
  await refused('NotFound', asker.fetch('service', 'c', { patience }));
  assert.equal(first.counters().stored, 2);
  asker.close();
  first.close();

  const second = broker(t, { store, maxStored: 10, maxStoredBytes: 1_000_000, maxStoredAge: 60_000 });
  const later = client(t, second.endpoints);
  work(worker(t, second.endpoints, 'service'), (job) => {
    if (String(job.body) === 'another') job.fail(7, 'no');
    else job.reply([...job.body, job.key]);
  });
  assert.deepEqual((await later.fetch('service', 'a', { patience })).map(String), ['some', 'question', 'a']);
  assert.equal((await refused('JobFailed', later.fetch('service', 'b', { patience }))).workerCode, 7);
  assert.equal(await later.discard('service', 'a', { patience }), undefined);
  await later.discard('service', 'a');
  await refused('NotFound', later.fetch('service', 'a', { patience }));
});

test('a durable request is answered like any other, once for its key', async (t) => {
  const { client, worker } = town(t, { broker: { store: join(folder(t), 'store') } });
  let runs = 0;
  work(worker, (job) => job.reply(String(++runs)));
  const ask = () => client.request('service', 'x', { durable: true, key: 'k', deadline });
  assert.deepEqual([String(await ask()), String(await ask()), runs], ['1', '1', 1]);
});

test('what cannot be stored is refused', async (t) => {
  const { client, worker } = town(t);
  work(worker);
  await refused('Unsupported', client.store('service', 'x', { key: 'k', deadline }));
  await refused('Unsupported', client.request('service', 'x', { durable: true, key: 'k', deadline }));
  for (const bad of [{}, { key: '' }, { key: 5 }]) await refused('InvalidArgument', client.store('service', 'x', bad));
  for (const bad of ['', 5, null]) {
    await refused('InvalidArgument', client.fetch('service', bad));
    await refused('InvalidArgument', client.discard('service', bad));
  }
  await refused('Cancelled', client.fetch('service', 'k', { signal: AbortSignal.abort() }));
});

test('a store has one broker, and what is none is left as it is', async (t) => {
  const path = folder(t);
  const store = join(path, 'store');
  const first = broker(t, { store });
  await refused('WrongState', () => broker(t, { store }));
  writeFileSync(join(path, 'damaged'), 'no store');
  await refused('Corrupt', () => new Broker('tcp://127.0.0.1:0', { store: join(path, 'damaged') }));
  await refused('InvalidArgument', () => new Broker('tcp://127.0.0.1:0', { store: 5 }));
  await first.drain(patiently);
});
