// Request-reply: ours, NATS and Majordomo. Each process of a town is this program in one role:
//
//     node driver.mjs IMPL ROLE ENDPOINT SIZE COUNT OUTSTANDING [STORE]
//
// `broker` and `server` bind and print `endpoint ...`, `worker` connects and prints `ready`; they serve until they are killed.
// A `client` keeps OUTSTANDING requests of SIZE bytes open, prints `warm` when a tenth of COUNT is answered, and one line of
// JSON after COUNT more; `durable` is a client whose requests are stored, by a broker that was given STORE. A request begins
// with its number, and so must its answer.

const SERVICE = 'echo';
/** More jobs at hand do not make a worker faster. */
const MOST_CREDIT = 1000;

/** What a role is told, and the requests it makes of that. */
class Load {
  #asked = 0;

  constructor(clock, [size, count, outstanding, store]) {
    this.clock = clock;
    this.size = Number(size);
    this.count = Number(count);
    this.window = Number(outstanding);
    this.credit = Math.min(this.window, MOST_CREDIT);
    this.store = store;
  }

  /** The next request. */
  request() {
    const body = Buffer.alloc(this.size, 0x78);
    body.writeBigUInt64LE(BigInt(++this.#asked));
    return body;
  }

  check(request, answer) {
    if (answer.length !== this.size || answer.compare(request, 0, 8, 0, 8) !== 0) throw new Error("another's answer");
  }

  /** As many loops as requests may be open, each of which awaits `ask(request)` again and again. */
  async client(ask) {
    await this.#askAll(this.count / 10, [], ask);
    const latencies = [];
    console.log('warm');
    this.clock.start();
    await this.#askAll(this.count, latencies, ask);
    this.clock.stop();
    this.clock.report(this.count, this.window === 1 ? latencies : undefined);
  }

  async #askAll(count, latencies, ask) {
    let left = Math.floor(count);
    const loop = async () => {
      while (left-- > 0) {
        const began = performance.now();
        const request = this.request();
        this.check(request, await ask(request));
        if (this.window === 1) latencies.push((performance.now() - began) * 1e3);
      }
    };
    await Promise.all(Array.from({ length: this.window }, loop));
  }
}

const implementations = {
  async zpatterns() {
    const { Broker, Client, Worker } = await import('zpatterns');
    const work = async (worker, line) => {
      console.log(line);
      for await (const job of worker) job.reply(job.body);
    };
    const ask = async (endpoint, load, options) => {
      const client = new Client(endpoint);
      await load.client(async (body) => (await client.request(SERVICE, body, options(body)))[0]);
      client.close();
    };
    return {
      async broker(endpoint, { store }) {
        const broker = new Broker(endpoint, { store });
        console.log(`endpoint ${broker.endpoints[0]}`);
        await broker.wait();
      },
      worker: (endpoint, { credit }) => work(new Worker(endpoint, SERVICE, { credit }), 'ready'),
      server: (endpoint, { credit }) => {
        const worker = Worker.bind(endpoint, SERVICE, { credit });
        return work(worker, `endpoint ${worker.endpoint}`);
      },
      client: (endpoint, load) => ask(endpoint, load, () => undefined),
      durable: (endpoint, load) => ask(endpoint, load, (body) => ({ durable: true, key: body.subarray(0, 8) })),
    };
  },

  async nats() {
    const { connect } = (await import('nats')).default;
    return {
      async worker(endpoint) {
        const connection = await connect({ servers: endpoint });
        const requests = connection.subscribe(SERVICE);
        await connection.flush();
        console.log('ready');
        for await (const message of requests) message.respond(message.data);
      },
      async client(endpoint, load) {
        const connection = await connect({ servers: endpoint });
        await load.client(async (body) => Buffer.from((await connection.request(SERVICE, body, { timeout: 30_000 })).data));
        await connection.close();
      },
    };
  },

  async majordomo() {
    const { Broker, Client, Worker } = await import('./majordomo.mjs');
    return {
      async broker(endpoint) {
        const broker = new Broker();
        console.log(`endpoint ${await broker.bind(endpoint)}`);
        await broker.serve();
      },
      async worker(endpoint) {
        const worker = new Worker(endpoint, SERVICE);
        console.log('ready');
        await worker.serve((body) => body);
      },
      async client(endpoint, load) {
        const client = new Client(endpoint);
        // There is one worker with one request at a time, so answers come in the order of the requests.
        const waiting = [];
        let busy = false;
        const receive = async () => {
          busy = true;
          for (let at = 0; at < waiting.length; at++) waiting[at]((await client.receive())[0]);
          waiting.length = 0;
          busy = false;
        };
        await load.client((body) => {
          client.send(SERVICE, body);
          return new Promise((resolve) => {
            waiting.push(resolve);
            if (!busy) receive();
          });
        });
        client.close();
      },
    };
  },
};

/** Plays a role; false if there is no such. */
export async function play(clock, impl, role, endpoint, ...numbers) {
  const roles = Object.hasOwn(implementations, impl) ? await implementations[impl]() : {};
  if (!Object.hasOwn(roles, role)) return false;
  await roles[role](endpoint, new Load(clock, numbers));
  return true;
}
