/** What a bus brings. */
import { PackedBatch } from '../packed';

/**
 * Who is on the bus: a source, since it began. Twelve digits of a number that nobody else has, and a port:
 * `'000102030405:4660'`.
 */
export type Peer = string;

/** A message, or what else a program learns; `type` says which. */
export type BusEvent =
  /** A message; those of one peer come in the order in which it sent them. */
  | { type: 'message'; peer: Peer; frames: Buffer[] }
  /** Somebody is heard for the first time. */
  | { type: 'joined'; peer: Peer }
  /** Somebody has ended, or is heard no more. */
  | { type: 'gone'; peer: Peer }
  /**
   * Datagrams that were lost and will not be repeated, with what was in them: some messages, or none. The numbers of
   * the first and the last; they go round at 2^32.
   */
  | { type: 'missed'; peer: Peer; first: number; last: number }
  /** What came makes no sense as messages. It was dropped, up to the next one that does. */
  | { type: 'broken'; peer: Peer }
  /** So many messages and events before the next one did not fit, because the program took too little. */
  | { type: 'dropped'; count: number };

/** As in `src/bus.rs`. */
const FACTS = 5;
const KINDS = ['message', 'joined', 'gone', 'missed', 'broken', 'dropped'] as const;

/** What was brought by one call into the addon. @internal */
export class Events {
  readonly #packed: PackedBatch;
  /** Whom the last event was about: mostly the next is about the same. */
  #high = -1;
  #low = -1;
  #peer: Peer = '';

  constructor(block: ArrayBuffer) {
    this.#packed = new PackedBatch({ block }, FACTS);
  }

  get length(): number {
    return this.#packed.length;
  }

  get bytes(): number {
    return this.#packed.bytes;
  }

  /** The next event. There must be one. */
  take(): BusEvent {
    const packed = this.#packed;
    const [high, low] = [packed.fact(1), packed.fact(2)];
    const type = KINDS[packed.fact(0)] as BusEvent['type'];
    const [first, last] = type === 'missed' ? [packed.fact(3), packed.fact(4)] : [0, 0];
    const frames = packed.takeMultipart();
    if (type === 'dropped') return { type, count: high * 2 ** 32 + low };
    const peer = this.#name(high, low);
    if (type === 'message') return { type, peer, frames };
    return type === 'missed' ? { type, peer, first, last } : { type, peer };
  }

  /** The next events. There must be one. */
  takeMany(most: number): BusEvent[] {
    const events = [this.take()];
    while (events.length < most && this.length > 0) events.push(this.take());
    return events;
  }

  #name(high: number, low: number): Peer {
    if (high !== this.#high || low !== this.#low) {
      const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0');
      this.#peer = `${hex(high, 8)}${hex(low >>> 16, 4)}:${low & 0xffff}`;
      [this.#high, this.#low] = [high, low];
    }
    return this.#peer;
  }
}
