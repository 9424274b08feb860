/** What the tests of the job queue share: queues, workers and producers that end with the test. */
import { Producer, Queue, QueueWorker } from 'zpatterns';
import { heartbeat } from './town.mjs';

function closing(t, handle) {
  t.after(() => handle.close());
  return handle;
}

export const queue = (t, options) => closing(t, new Queue('tcp://127.0.0.1:0', { ...heartbeat, ...options }));
export const producer = (t, endpoint, options) => closing(t, new Producer(endpoint, { ...heartbeat, ...options }));
export const worker = (t, endpoints, queues, options) =>
  closing(t, new QueueWorker(endpoints, queues, { ...heartbeat, ...options }));

/** A queue, and a worker and a producer of it. */
export function yard(t, options = {}) {
  const middle = queue(t, options.queue);
  return {
    queue: middle,
    worker: worker(t, middle.endpoints, 'jobs', { credit: 100, ...options.worker }),
    producer: producer(t, middle.endpoints[0], options.producer),
  };
}

/** Does every job as `act` says, until the worker ends. */
export async function labour(worker, act = (job) => job.complete(job.body)) {
  for await (const job of worker) act(job);
}

/** Returns when `condition` holds; the watchdog of the test runner ends what never does. */
export async function until(condition) {
  while (!condition()) await new Promise(setImmediate);
}
