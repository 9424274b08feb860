/**
 * The sending half of a socket, and of whatever else sends messages one after another.
 *
 * Small messages gather in a slab and are handed over together: when it is full, and at the latest when the program
 * pauses (`process.nextTick`). So a send costs a copy instead of a call into the addon, and while there is room its
 * promise is one that is resolved already. Without room, sends queue in their order, each with a promise of its own.
 */
import { type Leaving, empty, exiting, holding } from './environment';
import { type WaitOptions, check, watch } from './deadline';
import { ZpatternsError, call, closed, invalid } from './errors';
import { type MessageLike, framesOf } from './message';
import { type Hand, LARGEST, Slab } from './slab';

const DONE = Promise.resolve();

/** How many slabs may leave before the event loop gets a turn. */
const TURN = 64;

/** How many sends may wait for room: more are a program that does not await them. */
const WAITING = 65536;

/** What a call into the addon sends with. */
export interface Mouth {
  /** Frames of at most so many bytes are better copied together than sent alone. */
  readonly coalescesUpTo: number;
  /** Sends messages of a slab, and returns how many there was room for; less than all: a notice follows. */
  sendPacked(bytes: Uint8Array, frameEnds: Uint32Array, messageEnds: Uint32Array, first: number, end: number): number;
  /** Sends a message; false if there was no room, and then a notice follows. */
  send(frames: Uint8Array[]): boolean;
}

/** Messages that wait for room, in order. */
interface Entry {
  readonly messages: readonly MessageLike[];
  next: number;
  /** Each message on its own, so that its refusal is known. */
  readonly direct: boolean;
  /** Done only when everything before it is handed over. */
  readonly flush: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Outbox implements Leaving {
  readonly #native: Mouth;
  readonly #settle: () => void;
  readonly #what: string;
  readonly #slab: Slab;
  readonly #queue: Entry[] = [];
  #blocked = false;
  #scheduled = false;
  #closed = false;
  #slabs = 0;
  #lost = 0;
  /** Why a message was refused after its send was done, until someone hears of it. */
  #refusal: unknown;

  /** `settle` is called when {@link blocked} may have changed. Errors call it a `what`. */
  constructor(native: Mouth, settle: () => void, what = 'socket') {
    this.#native = native;
    this.#settle = settle;
    this.#what = what;
    const hand: Hand = ({ bytes, frameEnds, messageEnds }, first, end) =>
      native.sendPacked(bytes, frameEnds, messageEnds, first, end);
    this.#slab = new Slab(hand, Math.min(native.coalescesUpTo, LARGEST));
  }

  /** Whether something waits for room; a notice comes when there is some. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Messages that are accepted and not yet handed over. */
  get pending(): number {
    return this.#slab.length;
  }

  /** Accepted messages that were refused later or could not be handed over before the socket closed. */
  get lost(): number {
    return this.#lost;
  }

  /** As `Socket.send`. */
  send(message: MessageLike, options?: WaitOptions): Promise<void> {
    if (options !== undefined || this.#blocked || this.#closed) {
      return this.#run([message], options !== undefined, false, options);
    }
    try {
      if (!this.#offer(message, false)) return this.#run([message], false, false);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#blocked) return this.flush();
    if (exiting) this.#hand();
    else if (!this.#scheduled && this.#slab.length > 0) this.#schedule();
    return this.#slabs < TURN ? DONE : this.#yield();
  }

  /** As `Socket.sendMany`. */
  sendMany(messages: readonly MessageLike[], options?: WaitOptions): Promise<void> {
    return this.#run(messages, false, true, options);
  }

  /** As `Socket.flush`. */
  flush(options?: WaitOptions): Promise<void> {
    return this.#run([], false, true, options);
  }

  /** Hands over what there is room for, now. */
  hand(): void {
    if (this.#slab.length > 0 && !this.#blocked) this.#hand();
  }

  leave(): void {
    this.#pump();
  }

  /** There may be room. */
  noticed(): void {
    this.#slabs = 0;
    if (this.#blocked) this.#pump();
  }

  /** Refuses everything that waits, and from now on. */
  close(): void {
    this.#closed = true;
    this.#blocked = false;
    const lost = this.#slab.length;
    if (lost > 0) warn(`a ${this.#what} closed before it could hand over ${lost} accepted messages`);
    this.#lost += lost;
    this.#slab.clear();
    empty(this);
    for (const entry of this.#queue.splice(0)) entry.reject(closed(this.#what));
  }

  /** Runs messages as far as there is room, and queues the rest. */
  #run(messages: readonly MessageLike[], direct: boolean, flush: boolean, options: WaitOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      check(options);
      if (this.#closed) throw closed(this.#what);
      const entry: Entry = { messages, next: 0, direct, flush, resolve, reject };
      if (this.#queue.length === 0 && this.#finish(entry)) return;
      if (options.timeout === 0) throw full(entry);
      if (this.#queue.length >= WAITING) {
        throw new ZpatternsError('Full', 'too many sends wait for room; await each before the next');
      }
      this.#queue.push(this.#watched(entry, options));
      this.#settle();
    });
  }

  /** Ends an entry when its time is over. */
  #watched(entry: Entry, options: WaitOptions): Entry {
    const unwatch = watch(options, (error) => {
      this.#queue.splice(this.#queue.indexOf(entry), 1);
      entry.reject(counted(error, entry));
    });
    const then = <T extends unknown[]>(settle: (...with_: T) => void) => (...with_: T) => {
      unwatch();
      settle(...with_);
    };
    return Object.assign(entry, { resolve: then(entry.resolve), reject: then(entry.reject) });
  }

  /** Goes on with an entry; whether it is settled. */
  #finish(entry: Entry): boolean {
    try {
      for (; entry.next < entry.messages.length; entry.next += 1) {
        if (!this.#offer(entry.messages[entry.next] as MessageLike, entry.direct)) return false;
      }
      if (entry.flush && !this.#hand()) return false;
      if (entry.flush) this.#report();
      entry.resolve();
    } catch (error) {
      entry.reject(counted(error, entry));
    }
    if (this.#slab.length > 0) this.#schedule();
    return true;
  }

  /** Takes a message if there is room. */
  #offer(message: MessageLike, direct: boolean): boolean {
    if (!direct && this.#put(message)) {
      if (this.#slab.full && !this.#blocked) this.#hand();
      return true;
    }
    if (!this.#hand()) return false;
    if (!direct && this.#put(message)) return true;
    const frames = framesOf(message);
    this.#blocked = !call(() => this.#native.send(frames));
    return !this.#blocked;
  }

  #put(message: MessageLike): boolean {
    return Array.isArray(message) ? this.#slab.putMultipart(message) : this.#slab.put(message as string);
  }

  /** Hands the slab over; whether all of it went. */
  #hand(): boolean {
    this.#slabs += 1;
    for (;;) {
      try {
        const all = this.#slab.flush();
        if (this.#blocked === all) {
          this.#blocked = !all;
          this.#settle();
        }
        if (all && !this.#scheduled) empty(this);
        return all;
      } catch (error) {
        this.#slab.skip();
        this.#lost += 1;
        this.#refuse(error);
      }
    }
  }

  /** The slab, then what waits, as far as there is room. */
  #pump(): void {
    while (this.#hand()) {
      const entry = this.#queue[0];
      if (entry === undefined || !this.#finish(entry)) break;
      this.#queue.shift();
    }
    this.#settle();
  }

  /** A message is refused whose send was done: the next `flush` or `close` fails, and a warning says so at once. */
  #refuse(error: unknown): void {
    if (this.#refusal === undefined) warn(`a message that a ${this.#what} had accepted was refused: ${error}`);
    this.#refusal ??= error;
  }

  /** Throws a refusal, once. */
  #report(): void {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal !== undefined) throw refusal;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    holding(this);
    process.nextTick(() => {
      this.#scheduled = false;
      this.hand();
      if (this.#slab.length === 0) empty(this);
    });
  }

  /** A promise that lets the event loop turn first. */
  #yield(): Promise<void> {
    this.#slabs = 0;
    return new Promise((resolve) => setImmediate(resolve));
  }
}

function warn(text: string): void {
  process.emitWarning(text, 'ZpatternsWarning');
}

function full(entry: Entry): ZpatternsError {
  return counted(new ZpatternsError('Full', 'there is no room for the message'), entry);
}

/** Says how many of several messages were accepted before the error. */
function counted<E>(error: E, entry: Entry): E {
  if (!(error instanceof ZpatternsError) || entry.messages.length < 2) return error;
  const context = { ...error.context, accepted: String(entry.next) };
  return new ZpatternsError(error.code, error.message, context, { cause: error.cause }) as E;
}

/** The messages of an iterable. */
export function messagesOf(messages: Iterable<MessageLike>): readonly MessageLike[] {
  if (typeof messages === 'string' || messages instanceof Uint8Array) {
    throw invalid('sendMany takes several messages; send takes one');
  }
  return Array.isArray(messages) ? messages : [...messages];
}
