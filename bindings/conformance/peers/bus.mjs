// The multicast bus in the peer.
import { Bus } from 'zpatterns';
import { flat, list, named, split, unhex, within } from './words.mjs';

const open = new Map();

/** The frames of a message: its number, and bytes of a size that follows from it. */
const numbered = (number) => [Buffer.from(`${number}`), Buffer.alloc((number * 7919) % 4000, number % 256)];

const shown = ({ type, frames, ...facts }) => flat({ kind: type, ...facts, ...(frames && { frames: list(frames) }) });

/** What is left of the time until `end`. */
const until = (end) => ({ timeout: Math.max(end - performance.now(), 0) });

/** The number of a message, if it is as it should be. */
function numberOf(frames) {
  const number = Number(frames[0]);
  const right = Number.isSafeInteger(number) && number >= 0 ? numbered(number) : [];
  return list(frames) === list(right) ? number : undefined;
}

export const commands = {
  bus: (name, endpoint, ...words) => {
    const bus = new Bus(endpoint, split(words)[0]);
    open.set(name, bus);
    return bus.interface;
  },
  'bus-subscribe': (name, prefix) => named(name, open).subscribe(unhex(prefix)),
  'bus-unsubscribe': (name, prefix) => named(name, open).unsubscribe(unhex(prefix)),
  say: (name, timeout, ...frames) => named(name, open).send(frames.map(unhex), within(timeout)),
  'say-many': (name, first, last, timeout) => {
    const messages = Array.from({ length: last - first + 1 }, (_, index) => numbered(Number(first) + index));
    return named(name, open).sendMany(messages, within(timeout));
  },
  hear: async (name, timeout) => shown(await named(name, open).receive(within(timeout))),
  /** Whether the stream goes on as it should, up to the last message. */
  'hear-many': async (name, first, last, timeout) => {
    const [bus, end] = [named(name, open), performance.now() + Number(timeout)];
    const told = { messages: 0, wrong: 0, missed: 0, dropped: 0, unexplained: 0 };
    // What was said since the last message about those that do not come.
    let [next, holes, gap] = [Number(first), 0, 0];
    while (next <= last) {
      const { type, frames, count } = await bus.receive(until(end));
      if (type === 'message') {
        const number = numberOf(frames);
        if (number === undefined) {
          told.wrong += 1;
          continue;
        }
        told.messages += 1;
        if (holes === 0) told.unexplained += Math.abs(number - next - gap);
        [next, holes, gap] = [number + 1, 0, 0];
      } else if (type === 'missed' || type === 'broken') {
        told.missed += 1;
        holes += 1;
      } else if (type === 'dropped') {
        told.dropped += count;
        gap += count;
      }
    }
    return flat(told);
  },
  'cancel-hear': async (name) => {
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    return shown(await named(name, open).receive({ signal: controller.signal }));
  },
  lose: (name, fraction) => named(name, open).injectLoss(Number(fraction)),
  'bus-peers': (name) => {
    const peers = named(name, open).peers();
    return `number=${peers.length} delivered=${peers.reduce((sum, { received }) => sum + received.delivered, 0)}`;
  },
  'bus-counters': (name) => flat(named(name, open).counters()),
  'bus-close': (name, linger) => named(name, open).close(linger < 0 ? {} : { linger: Number(linger) }),
};

export async function reset() {
  const buses = [...open.values()];
  open.clear();
  // What a scenario leaves unsent may be lost, and close says so.
  await Promise.allSettled(buses.map((bus) => bus.close({ linger: 0 })));
}
