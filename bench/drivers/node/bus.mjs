// A bus: receives what the driver in Rust sends.
//
//     node driver.mjs zpatterns bus-recv|bus-latency ENDPOINT SIZE COUNT
//
// A receiver prints `ready` when it hears anything. It ends after COUNT messages of SIZE bytes, or when after the first nothing
// came for a second; what is shorter is a greeting.
import { Bus } from 'zpatterns';

const SILENCE_MS = 1000;
/** Inboxes that nothing fills, as the queues of the peer: who is slow is late, and drops nothing. */
const OPTIONS = { subscribe: '', maxEvents: 100_000_000, maxBytes: 4 * 2 ** 30 };

/** What was heard. */
class Listener {
  received = 0;
  latencies = [];
  #isGreeted = false;

  constructor(clock, size, count) {
    this.clock = clock;
    this.size = size;
    this.count = count;
  }

  /** Counts a message and gives it; nothing if it is none that counts. */
  hear(event) {
    if (event.type !== 'message') return undefined;
    const [frame] = event.frames;
    if (frame.length !== this.size) {
      if (!this.#isGreeted) console.log('ready');
      this.#isGreeted = true;
      return undefined;
    }
    if (this.received++ === 0) this.clock.start();
    return frame;
  }

  get isDone() {
    return this.received === this.count;
  }

  /** Closes the bus when nothing came for a while, which ends what receives from it. */
  watch(bus) {
    let before = 0;
    this.watcher = setInterval(() => {
      if (before > 0 && this.received === before) bus.close();
      before = this.received;
    }, SILENCE_MS);
  }

  async report(bus) {
    clearInterval(this.watcher);
    this.clock.report(this.received, this.latencies.length > 0 ? this.latencies : undefined);
    await bus.close();
  }
}

const workloads = {
  async 'bus-recv'(bus, listener) {
    for await (const events of bus.batches()) {
      for (const event of events) listener.hear(event);
      if (listener.received > 0) listener.clock.stop();
      if (listener.isDone) break;
    }
  },
  async 'bus-latency'(bus, listener) {
    for await (const event of bus) {
      const frame = listener.hear(event);
      if (frame === undefined) continue;
      listener.latencies.push(Number(process.hrtime.bigint() - frame.readBigUInt64LE()) / 1e3);
      if (listener.isDone) break;
    }
    listener.clock.stop();
  },
};

/** Receives; false if there is no such way. */
export async function play(clock, impl, workload, endpoint, size, count) {
  if (impl !== 'zpatterns' || !Object.hasOwn(workloads, workload)) return false;
  const bus = new Bus(endpoint, OPTIONS);
  const listener = new Listener(clock, Number(size), Number(count));
  listener.watch(bus);
  await workloads[workload](bus, listener);
  await listener.report(bus);
  return true;
}
