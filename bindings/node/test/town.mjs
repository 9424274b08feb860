/** What the tests of request-reply share: brokers, workers and clients that end with the test. */
import { once } from 'node:events';
import { Broker, Client, Worker } from 'zpatterns';
import { WATCHDOG } from './helpers.mjs';

export const heartbeat = { heartbeatInterval: 100, heartbeatLimit: 3 };
/** Nothing of a test takes longer. */
export const deadline = WATCHDOG;

function closing(t, handle) {
  t.after(() => handle.close());
  return handle;
}

export const broker = (t, options) => closing(t, new Broker('tcp://127.0.0.1:0', { ...heartbeat, ...options }));
export const client = (t, endpoints, options) => closing(t, new Client(endpoints, { ...heartbeat, ...options }));
export const worker = (t, endpoints, service, options) =>
  closing(t, new Worker(endpoints, service, { ...heartbeat, ...options }));
export const server = (t, service, options) =>
  closing(t, Worker.bind('tcp://127.0.0.1:0', service, { ...heartbeat, ...options }));

/** A broker, and a worker and a client of it. */
export function town(t, options = {}) {
  const middle = broker(t, options.broker);
  return {
    broker: middle,
    worker: worker(t, middle.endpoints, 'service', { credit: 100, ...options.worker }),
    client: client(t, middle.endpoints, options.client),
  };
}

/** Answers every job as `answer` says, until the worker ends. */
export async function work(worker, answer = (job) => job.reply(job.body)) {
  for await (const job of worker) answer(job);
}

/**
 * Waits until nobody waits any more for the answer to a job, of whatever pattern; its signal alone does not keep the
 * process alive.
 */
export async function gone(job) {
  const alive = setInterval(() => {}, deadline);
  if (!job.signal.aborted) await once(job.signal, 'abort');
  clearInterval(alive);
}
