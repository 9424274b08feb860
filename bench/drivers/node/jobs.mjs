// Job queues: ours and BullMQ. Each process of a town is this program in one role:
//
//     node driver.mjs IMPL jobs-queue|jobs-worker|jobs-flat|jobs-resume ENDPOINT SIZE COUNT [STORE]
//     node driver.mjs IMPL jobs-tree ENDPOINT SIZE COUNT DEPTH
//
// A `queue` binds and prints `endpoint ...`, a `worker` connects and prints `ready`; they serve until they are killed. The others
// print `warm` after a tenth of COUNT, and one line of JSON after COUNT jobs more: `flat` pushes them until all are done, `tree`
// lets trees of them grow one after the other, `resume` takes the time from when a job breaks into one until it goes on.
//
// A job begins with how many generations are to come below it. One worker serves all with that: a job that is to have none is
// done at once, any other breaks into ten and comes to how many there were.

/** Children of a job that breaks. */
export const WIDTH = 10;
const QUEUE = 'bench';
/** More jobs at hand do not make a worker faster. */
const CREDIT = 1000;

/** What a role is told, and what it measures. */
class Load {
  constructor(clock, [size, count, more]) {
    this.clock = clock;
    this.size = Number(size);
    this.count = Number(count);
    /** Where a queue stores jobs. */
    this.store = more;
    /** Generations below the root of a tree. */
    this.depth = Number(more);
  }

  /** A job with so many generations below it. */
  body(below) {
    const body = Buffer.alloc(this.size, 0x78);
    body[0] = below;
    return body;
  }

  /** Pushes jobs with `push(count)`, which waits until all are done. */
  async flat(push) {
    await push(Math.floor(this.count / 10));
    console.log('warm');
    this.clock.start();
    await push(this.count);
    this.clock.stop();
    this.clock.report(this.count);
  }

  /** Lets trees grow with `grow()`, which gives the number of jobs. */
  async trees(grow) {
    let jobs = 0;
    for (let generation = 0; generation <= this.depth; generation++) jobs += WIDTH ** generation;
    const growAll = async (trees) => {
      for (let tree = 0; tree < trees; tree++) {
        const grown = await grow();
        if (grown !== jobs) throw new Error(`a tree of ${jobs} jobs came to ${grown}`);
      }
    };
    const trees = Math.max(1, Math.floor(this.count / jobs));
    await growAll(Math.ceil(trees / 10));
    console.log('warm');
    this.clock.start();
    await growAll(trees);
    this.clock.stop();
    this.clock.report(trees * jobs);
  }

  /** Notes the milliseconds that `resume()` gives, again and again. */
  async resumes(resume) {
    for (let tree = 0; tree < this.count / 10; tree++) await resume();
    const latencies = [];
    console.log('warm');
    this.clock.start();
    while (latencies.length < this.count) latencies.push((await resume()) * 1e3);
    this.clock.stop();
    this.clock.report(this.count, latencies);
  }
}

function number(value) {
  const body = Buffer.alloc(8);
  body.writeBigUInt64LE(BigInt(value));
  return body;
}

/** How many jobs a tree came to. */
const jobsIn = ([body]) => Number(body.readBigUInt64LE());

const implementations = {
  async zpatterns() {
    const { Producer, Queue, QueueWorker } = await import('zpatterns');

    /** Takes a job one step further. */
    const advance = (job) => {
      if (job.resumed) {
        job.complete(number(job.results.reduce((sum, result) => sum + jobsIn(result), 1)));
        return;
      }
      const body = Buffer.from(job.body[0]);
      if (body[0] === 0) {
        job.complete(number(1));
        return;
      }
      body[0]--;
      job.spawn(Array(WIDTH).fill({ queue: QUEUE, body }));
    };

    return {
      async queue(endpoint, { store }) {
        const queue = new Queue(endpoint, { store });
        console.log(`endpoint ${queue.endpoints[0]}`);
        await queue.wait();
      },
      async worker(endpoint) {
        const worker = new QueueWorker(endpoint, QUEUE, { credit: CREDIT });
        console.log('ready');
        for await (const job of worker) advance(job);
      },
      async flat(endpoint, load) {
        const producer = new Producer(endpoint);
        const body = load.body(0);
        await load.flat(async (count) => {
          await producer.pushMany(QUEUE, Array(count - 1).fill(body));
          // There is one worker, which does jobs as they come: when the last is done all are, with a store on the disk.
          await producer.run(QUEUE, body);
        });
        const [{ delivered }] = await producer.queues();
        const pushed = Math.floor(load.count / 10) + load.count;
        if (delivered !== pushed) throw new Error(`of ${pushed} jobs ${delivered} were done`);
        producer.close();
      },
      async tree(endpoint, load) {
        const producer = new Producer(endpoint);
        await load.trees(async () => jobsIn(await producer.run(QUEUE, load.body(load.depth))));
        producer.close();
      },
      async resume(endpoint, load) {
        const producer = new Producer(endpoint);
        const worker = new QueueWorker(endpoint, QUEUE);
        await load.resumes(async () => {
          const root = producer.run(QUEUE, load.body(1));
          const parent = await worker.next();
          const began = performance.now();
          parent.spawn([{ queue: QUEUE, body: load.body(0) }]);
          (await worker.next()).complete();
          const resumed = await worker.next();
          const took = performance.now() - began;
          if (!resumed.resumed) throw new Error('a parent did not go on after its child');
          resumed.complete();
          await root;
          return took;
        });
        worker.close();
        producer.close();
      },
    };
  },

  async bullmq() {
    return (await import('./bullmq.mjs')).roles;
  },
};

/** Plays a role; false if there is no such. */
export async function play(clock, impl, workload, endpoint, ...numbers) {
  const roles = Object.hasOwn(implementations, impl) ? await implementations[impl]() : {};
  const role = workload.slice('jobs-'.length);
  if (!Object.hasOwn(roles, role)) return false;
  await roles[role](endpoint, new Load(clock, numbers));
  return true;
}
