// Fan-out: subscribers to what another program publishes, all of them in this process.
//
//     node driver.mjs zpatterns|zeromq|nats fan-subscribe ENDPOINT SIZE COUNT SUBSCRIBERS
//     node driver.mjs zpatterns fan-latency ENDPOINT SIZE COUNT 1 [SHARED]    notes how late each is; where the shared path is
//     node driver.mjs zpatterns|zeromq fan-publish ENDPOINT SIZE COUNT SUBSCRIBERS    see fan_publish.mjs
//
// It prints `ready` when all have heard a greeting, which is shorter than a message that counts. It ends after COUNT messages of
// SIZE bytes for each of them, or when after the first nothing came for a second.
import { publish } from './fan_publish.mjs';

const SILENCE_MS = 1000;
const SUBJECT = 'bench';

/** What all of them heard. */
class Tally {
  received = 0;
  #greeted = new Set();

  constructor(clock, [size, count, subscribers, shared], latencies) {
    this.clock = clock;
    this.shared = shared;
    this.latencies = latencies;
    this.size = Number(size);
    this.subscribers = Number(subscribers);
    this.wanted = Number(count) * this.subscribers;
    this.over = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  hear(number, message) {
    if (message.length === this.size) {
      if (this.received++ === 0) this.clock.start();
      this.latencies?.push(Number(process.hrtime.bigint() - message.readBigUInt64LE()) / 1e3);
      if (this.received === this.wanted) this.#finish();
    } else if (!this.#greeted.has(number)) {
      this.#greeted.add(number);
      if (this.#greeted.size === this.subscribers) console.log('ready');
    }
  }

  /** Ends when nothing came for a while. */
  watch() {
    let before = 0;
    this.watcher = setInterval(() => {
      if (before > 0 && this.received === before) this.#finish();
      else if (this.received > before) this.clock.stop();
      before = this.received;
    }, SILENCE_MS);
  }

  #finish() {
    clearInterval(this.watcher);
    if (this.received === this.wanted) this.clock.stop();
    this.end();
  }
}

const implementations = {
  async zpatterns(endpoint, tally) {
    const { Subscriber } = await import('zpatterns');
    const open = () => new Subscriber(endpoint, { shared: tally.shared });
    const subscribers = Array.from({ length: tally.subscribers }, open);
    subscribers.forEach(async (subscriber, number) => {
      subscriber.subscribe(SUBJECT, { slow: 'hold' });
      for await (const events of subscriber.batches()) {
        for (const event of events) if (event.kind === 'message') tally.hear(number, event.frames[0]);
      }
    });
    await tally.over;
    for (const subscriber of subscribers) await subscriber.close();
  },

  async zeromq(endpoint, tally) {
    const { Subscriber } = await import('zeromq');
    const sockets = Array.from({ length: tally.subscribers }, () => new Subscriber({ linger: 0 }));
    sockets.forEach(async (socket, number) => {
      socket.connect(endpoint);
      socket.subscribe();
      for await (const [message] of socket) tally.hear(number, message);
    });
    await tally.over;
    for (const socket of sockets) socket.close();
  },

  async nats(endpoint, tally) {
    const { connect } = (await import('nats')).default;
    const open = async (number) => {
      const connection = await connect({ servers: endpoint });
      connection.subscribe(SUBJECT, { callback: (_, message) => tally.hear(number, message.data) });
      await connection.flush();
      return connection;
    };
    const connections = await Promise.all(Array.from({ length: tally.subscribers }, (_, number) => open(number)));
    await tally.over;
    for (const connection of connections) await connection.close();
  },
};

/** Subscribes or publishes; false if there is no such way. */
export async function play(clock, impl, role, endpoint, ...numbers) {
  if (role === 'fan-publish') return publish(clock, impl, endpoint, numbers);
  const takesLatencies = role === 'fan-latency' && impl === 'zpatterns';
  if (!takesLatencies && (role !== 'fan-subscribe' || !Object.hasOwn(implementations, impl))) return false;
  const tally = new Tally(clock, numbers, takesLatencies ? [] : undefined);
  tally.watch();
  await implementations[impl](endpoint, tally);
  clock.report(tally.received, tally.latencies);
  return true;
}
