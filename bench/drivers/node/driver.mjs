// One measurement of zpatterns or of its peer zeromq.js, against a counterpart that is bound at ENDPOINT:
//
//     node driver.mjs IMPL WORKLOAD ENDPOINT SIZE COUNT
//     node driver.mjs IMPL ROLE ENDPOINT SIZE COUNT OUTSTANDING [STORE]     see reqrep.mjs
//     node driver.mjs IMPL bus-recv|bus-latency ENDPOINT SIZE COUNT         see bus.mjs
//     node driver.mjs IMPL jobs-ROLE ENDPOINT SIZE COUNT [DEPTH|STORE]      see jobs.mjs
//     node driver.mjs IMPL fan-ROLE ENDPOINT SIZE COUNT SUBSCRIBERS [SHARED] see fan.mjs
//
// IMPL is `zpatterns` or `zeromq`; WORKLOAD is send-each, send-many, recv-each, recv-many, rtt or latency. COUNT
// messages of SIZE bytes count, after COUNT/10 to warm up in the same stream. Prints one line of JSON; exits 2 if the
// pair of IMPL and WORKLOAD does not exist. Both run with default options, each in its recommended idiom.
import { performance } from 'node:perf_hooks';

const [impl, workload, endpoint, ...numbers] = process.argv.slice(2);
const [size, count] = numbers.map(Number);
const warm = Math.floor(count / 10);
const total = warm + count;
const BATCH = 500;
const payload = Buffer.alloc(size, 0x78);

/** Measures from the end of the warm-up to the last message. */
class Clock {
  start() {
    this.usage = process.resourceUsage();
    this.began = performance.now();
  }
  stop() {
    const ended = performance.now();
    const usage = process.resourceUsage();
    const micros = usage.userCPUTime + usage.systemCPUTime - this.usage.userCPUTime - this.usage.systemCPUTime;
    this.figures = { seconds: (ended - this.began) / 1e3, cpu_seconds: micros / 1e6, max_rss_kb: usage.maxRSS };
  }
  report(messages, latencies) {
    const latencies_us = latencies && Array.from(latencies, (us) => +us.toFixed(1));
    console.log(JSON.stringify({ messages, ...this.figures, latencies_us }));
  }
}
const clock = new Clock();

/** Runs `step(i)`, once per message, with the clock around what comes after the warm-up. */
async function measured(step) {
  for (let i = 0; i < total; i++) {
    if (i === warm) clock.start();
    await step(i);
  }
  clock.stop();
}

/** How long each message took, in microseconds, in the workloads that measure it. */
const latencies = ['rtt', 'latency'].includes(workload) ? new Float64Array(count) : undefined;

/** Sends and awaits the answer, again and again. */
async function roundTrips(exchange) {
  await measured(async (i) => {
    const began = performance.now();
    await exchange();
    if (i >= warm) latencies[i - warm] = (performance.now() - began) * 1e3;
  });
}

/** Receives what begins with when it was due, in nanoseconds of the clock that all processes share. */
async function arrivals(messages, bytes) {
  let received = 0;
  for await (const message of messages) {
    const now = process.hrtime.bigint();
    if (received >= warm) latencies[received - warm] = Number(now - bytes(message).readBigUInt64LE()) / 1e3;
    received++;
    if (received === warm) clock.start();
    else if (received === total) break;
  }
  clock.stop();
}

const drivers = {
  async zpatterns() {
    const { Socket } = await import('zpatterns');
    const open = (type) => {
      const socket = new Socket(type);
      socket.connect(endpoint);
      return socket;
    };
    return {
      async 'send-each'() {
        const socket = open('push');
        for (let i = 0; i < total; i++) {
          if (i === warm) clock.start();
          await socket.send(payload);
        }
        await socket.flush();
        clock.stop();
        await socket.close();
      },
      async 'send-many'() {
        const socket = open('push');
        const batch = Array(BATCH).fill(payload);
        for (let sent = 0; sent < total; ) {
          if (sent === warm) clock.start();
          const next = Math.min(BATCH, (sent < warm ? warm : total) - sent);
          await socket.sendMany(next === BATCH ? batch : batch.slice(0, next));
          sent += next;
        }
        clock.stop();
        await socket.close();
      },
      async 'recv-each'() {
        const socket = open('pull');
        let received = 0;
        for await (const message of socket) {
          if (message.length !== size) throw new Error(`${message.length} bytes`);
          received++;
          if (received === warm) clock.start();
          else if (received === total) break;
        }
        clock.stop();
        await socket.close();
      },
      async 'recv-many'() {
        const socket = open('pull');
        let received = 0;
        for await (const messages of socket.batches()) {
          if (received < warm && received + messages.length >= warm) clock.start();
          received += messages.length;
          if (received >= total) break;
        }
        clock.stop();
        await socket.close();
      },
      async rtt() {
        const socket = open('dealer');
        await roundTrips(async () => {
          await socket.send(payload);
          await socket.receive();
        });
        await socket.close();
      },
      async latency() {
        const socket = open('pull');
        await arrivals(socket, (message) => message);
        await socket.close();
      },
    };
  },

  async zeromq() {
    const { Push, Pull, Dealer } = await import('zeromq');
    const open = (Type) => {
      const socket = new Type({ linger: 5000 });
      socket.connect(endpoint);
      return socket;
    };
    return {
      async 'send-each'() {
        const socket = open(Push);
        for (let i = 0; i < total; i++) {
          if (i === warm) clock.start();
          await socket.send(payload);
        }
        clock.stop();
        socket.close();
      },
      async 'recv-each'() {
        const socket = open(Pull);
        let received = 0;
        for await (const [message] of socket) {
          if (message.length !== size) throw new Error(`${message.length} bytes`);
          received++;
          if (received === warm) clock.start();
          else if (received === total) break;
        }
        clock.stop();
        socket.close();
      },
      async rtt() {
        const socket = open(Dealer);
        await roundTrips(async () => {
          await socket.send(payload);
          await socket.receive();
        });
        socket.close();
      },
      async latency() {
        const socket = open(Pull);
        await arrivals(socket, ([message]) => message);
        socket.close();
      },
    };
  },
};

async function measure() {
  const workloads = Object.hasOwn(drivers, impl) ? await drivers[impl]() : {};
  if (!Object.hasOwn(workloads, workload)) return false;
  await workloads[workload]();
  clock.report(count, latencies);
  return true;
}

async function play(part) {
  const { play } = await import(part);
  return play(clock, ...process.argv.slice(2));
}

function run() {
  if (workload.startsWith('bus-')) return play('./bus.mjs');
  if (workload.startsWith('fan-')) return play('./fan.mjs');
  if (workload.startsWith('jobs-')) return play('./jobs.mjs');
  return numbers.length > 2 ? play('./reqrep.mjs') : measure();
}

if (!(await run())) {
  console.error(`no ${workload} for ${impl}`);
  process.exit(2);
}
