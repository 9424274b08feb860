// The roles of a job queue as users of BullMQ play them. The queue is a Redis, which whoever runs this starts.
//
// Jobs are added in bulk, and trees as flows, all of a tree at once, which is what BullMQ offers for both. A job that finds out at
// work that it needs another one first adds it as its child and waits, as BullMQ's manual does it in steps.
import { setTimeout as sleep } from 'node:timers/promises';
import { FlowProducer, Queue, QueueEvents, WaitingChildrenError, Worker } from 'bullmq';

import { WIDTH } from './jobs.mjs';

const NAME = 'bench';
/** Jobs per call: larger transactions keep Redis from its workers. */
const CHUNK = 500;
/** Jobs that a worker has begun at once. */
const CONCURRENCY = 50;
const POLL_MS = 5;
/** Nobody asks for what a job came to, other than its parent. */
const FORGOTTEN = { removeOnComplete: true };

function reach(endpoint) {
  const [host, port] = endpoint.split(':');
  return { connection: { host, port: Number(port) } };
}

/** What a job of `bytes` carries: so much, as it is written into Redis. */
const dataOf = (bytes) => ({ filling: 'x'.repeat(bytes - JSON.stringify({ filling: '' }).length) });

/** A tree as it is added, with so many generations below its root. A leaf says so by its name: to ask Redis costs. */
function flow(data, below) {
  if (below === 0) return { name: 'leaf', queueName: NAME, data, opts: FORGOTTEN };
  const children = Array.from({ length: WIDTH }, () => flow(data, below - 1));
  return { name: 'parent', queueName: NAME, data, opts: FORGOTTEN, children };
}

/** How many jobs there are in a tree below and with this one. */
async function size(parent) {
  const sizes = Object.values(await parent.getChildrenValues());
  return sizes.reduce((sum, size) => sum + size, 1);
}

export const roles = {
  async worker(endpoint) {
    const options = { ...reach(endpoint), concurrency: CONCURRENCY };
    const worker = new Worker(NAME, async (job) => (job.name === 'leaf' ? 1 : size(job)), options);
    await worker.waitUntilReady();
    console.log('ready');
  },

  async flat(endpoint, load) {
    const queue = new Queue(NAME, reach(endpoint));
    const job = { name: 'leaf', data: dataOf(load.size), opts: FORGOTTEN };
    await load.flat(async (count) => {
      for (let left = count; left > 0; left -= CHUNK) await queue.addBulk(Array(Math.min(left, CHUNK)).fill(job));
      while ((await queue.getJobCountByTypes('waiting', 'active')) > 0) await sleep(POLL_MS);
    });
    if ((await queue.getFailedCount()) > 0) throw new Error('jobs failed');
    await queue.close();
  },

  async tree(endpoint, load) {
    const producer = new FlowProducer(reach(endpoint));
    const events = new QueueEvents(NAME, reach(endpoint));
    await events.waitUntilReady();
    const tree = flow(dataOf(load.size), load.depth);
    // Whoever waits for a root finds what it came to in Redis, if it ends before he listens.
    const root = { ...tree, opts: {} };
    await load.trees(async () => (await producer.add(root)).job.waitUntilFinished(events));
    await Promise.all([producer.close(), events.close()]);
  },

  async resume(endpoint, load) {
    const queue = new Queue(NAME, reach(endpoint));
    const data = dataOf(load.size);
    let [began, took] = [0, 0];
    const step = async (job, token) => {
      if (job.name === 'leaf') return 1;
      if (!job.data.waits) {
        await job.updateData({ ...job.data, waits: true });
        began = performance.now();
        await queue.add('leaf', data, { ...FORGOTTEN, parent: { id: job.id, queue: job.queueQualifiedName } });
        if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError();
      }
      took = performance.now() - began;
      return 2;
    };
    const worker = new Worker(NAME, step, reach(endpoint));
    await worker.waitUntilReady();
    await load.resumes(async () => {
      const ended = new Promise((resolve) => {
        const hear = (job) => {
          if (job.name !== 'parent') return;
          worker.off('completed', hear);
          resolve();
        };
        worker.on('completed', hear);
      });
      await queue.add('parent', data, FORGOTTEN);
      await ended;
      return took;
    });
    await Promise.all([worker.close(), queue.close()]);
  },
};
