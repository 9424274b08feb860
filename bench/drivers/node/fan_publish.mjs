// Fan-out: publishes to subscribers of the driver in Rust, or libzmq's to SUBs in C.
//
//     node driver.mjs zpatterns|zeromq fan-publish ENDPOINT SIZE COUNT SUBSCRIBERS
//
// It prints `endpoint ...` and greets, with messages of one byte, until a line comes; then it publishes COUNT messages of SIZE bytes,
// as fast as all who subscribe can follow, stays as long as its input, and prints a line of JSON.
import { once } from 'node:events';
import { setImmediate, setTimeout } from 'node:timers/promises';

const BATCH = 500;
const SUBJECT = 'bench';
const GREETING = Buffer.from('x');

/** What is to be published. */
class Load {
  constructor(clock, [size, count, subscribers]) {
    this.clock = clock;
    this.message = Buffer.alloc(Number(size), 0x78);
    this.count = Number(count);
    // Many who just come must not be greeted more often than they can hear it.
    this.pause = Math.ceil(subscribers / 10);
    this.told = once(process.stdin, 'data');
    this.over = once(process.stdin, 'end');
  }

  /** Greets until a line comes. */
  async begin(endpoint, greet) {
    console.log(`endpoint ${endpoint}`);
    let isTold = false;
    this.told.then(() => (isTold = true));
    while (!isTold) {
      await greet();
      await setTimeout(this.pause);
    }
    this.clock.start();
  }

  /** Stays until nobody needs it. */
  async end() {
    await this.over;
    this.clock.stop();
    this.clock.report(this.count);
  }
}

const implementations = {
  async zpatterns(endpoint, load) {
    const { Publisher } = await import('zpatterns');
    const streams = [{ name: 'main', public: true }];
    const publisher = new Publisher(endpoint, { streams, shared: 'tcp://127.0.0.1:0' });
    await load.begin(publisher.endpoint, () => publisher.publish(SUBJECT, GREETING));
    const batch = Array(BATCH).fill([SUBJECT, load.message]);
    for (let left = load.count; left > 0; left -= BATCH) {
      await publisher.publishMany(left < BATCH ? batch.slice(0, left) : batch);
    }
    await load.end();
    await publisher.close();
  },

  async zeromq(endpoint, load) {
    const { XPublisher } = await import('zeromq');
    // It waits for who is slow.
    const socket = new XPublisher({ linger: 0, noDrop: true });
    await socket.bind(endpoint);
    await load.begin(socket.lastEndpoint, () => socket.send(GREETING));
    for (let i = 0; i < load.count; i++) await sent(socket, load.message);
    await load.end();
    socket.close();
  },
};

/** Sends with zeromq.js. That a slow subscriber has room cannot be awaited; who waits is to ask again. */
async function sent(socket, message) {
  for (;;) {
    try {
      return await socket.send(message);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      await setImmediate();
    }
  }
}

/** Publishes; false if there is no such way. */
export async function publish(clock, impl, endpoint, numbers) {
  if (!Object.hasOwn(implementations, impl)) return false;
  await implementations[impl](endpoint, new Load(clock, numbers));
  return true;
}
