/**
 * The receiving half of a socket, and of whatever else brings things one after another.
 *
 * Messages come from the addon in batches. Receivers that find the batch used up and nothing in core wait in line, any
 * number of them; a notice wakes the line once.
 */
import { type WaitOptions, check, watch } from './deadline';
import { ZpatternsError, call, closed } from './errors';

/** How many batches may come before the event loop gets a turn. */
const TURN = 16;

/** What a call into the addon brings. */
export interface Batch {
  /** Messages that are left. */
  readonly length: number;
  /** Their bytes. */
  readonly bytes: number;
}

/** A batch of things that the addon brought as they are. */
export class List<T> implements Batch {
  readonly bytes = 0;
  #next = 0;
  constructor(private readonly items: readonly T[]) {}

  get length(): number {
    return this.items.length - this.#next;
  }

  take(): T {
    return this.items[this.#next++] as T;
  }

  /** What a call brought, if it brought anything. */
  static of<T>(items: readonly T[]): List<T> | undefined {
    return items.length === 0 ? undefined : new List(items);
  }
}

/** Takes from a batch that has a message. */
export type Take<B, T> = (batch: B) => T;

interface Receiver<B, T> {
  readonly take: Take<B, T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
  unwatch?: () => void;
}

export class Inbox<B extends Batch> {
  readonly #drain: () => B | undefined;
  readonly #settle: () => void;
  readonly #what: string;
  readonly #line: Receiver<B, unknown>[] = [];
  #batch: B | undefined;
  #closed = false;
  #batches = 0;
  #yielding = false;

  /**
   * `drain` brings what is there; if that is nothing, {@link noticed} must be called when there is something. `settle`
   * is called when {@link waiting} may have changed. Errors call it a `what`.
   */
  constructor(drain: () => B | undefined, settle: () => void, what = 'socket') {
    this.#drain = drain;
    this.#settle = settle;
    this.#what = what;
  }

  /** Whether a receiver waits; a notice comes when there is something. */
  get waiting(): boolean {
    return this.#line.length > 0;
  }

  /** Messages, and their bytes, that came over from core and that nobody took yet. */
  get buffered(): { messages: number; bytes: number } {
    return { messages: this.#batch?.length ?? 0, bytes: this.#batch?.bytes ?? 0 };
  }

  /** What `take` takes if a message is there; otherwise undefined, and the caller may {@link receive}. */
  poll<T>(take: Take<B, T>): T | undefined {
    if (this.#line.length > 0) return undefined;
    const batch = this.#ready();
    return batch === undefined ? undefined : take(batch);
  }

  /** What `take` takes, in turn. */
  receive<T>(take: Take<B, T>, options: WaitOptions = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      check(options);
      if (options.timeout === 0) this.#batches = 0;
      const taken = this.poll(take);
      if (taken !== undefined) return resolve(taken);
      if (options.timeout === 0) throw new ZpatternsError('Timeout', 'nothing is there yet');
      const receiver: Receiver<B, T> = { take, resolve, reject };
      if (options.timeout !== undefined || options.signal !== undefined) {
        receiver.unwatch = watch(options, (error) => this.#leave(receiver as Receiver<B, unknown>, error));
      }
      this.#line.push(receiver as Receiver<B, unknown>);
      this.#settle();
    });
  }

  /** There may be something. */
  noticed(): void {
    this.#batches = 0;
    while (this.#line.length > 0 && this.#serve());
    this.#settle();
  }

  /** Everyone in line hears that it is over; returns how many messages nobody took. */
  close(): number {
    const { messages } = this.buffered;
    this.#closed = true;
    this.#batch = undefined;
    for (const receiver of this.#line.splice(0)) this.#refuse(receiver, closed(this.#what));
    return messages;
  }

  /** Serves the first in line; false if there is nothing for it. */
  #serve(): boolean {
    const receiver = this.#line[0] as Receiver<B, unknown>;
    try {
      const batch = this.#ready();
      if (batch === undefined) return false;
      const taken = receiver.take(batch);
      receiver.unwatch?.();
      receiver.resolve(taken);
    } catch (error) {
      this.#refuse(receiver, error);
    }
    this.#line.shift();
    return true;
  }

  #leave(receiver: Receiver<B, unknown>, error: ZpatternsError): void {
    this.#line.splice(this.#line.indexOf(receiver), 1);
    this.#refuse(receiver, error);
    this.#settle();
  }

  #refuse(receiver: Receiver<B, unknown>, error: unknown): void {
    receiver.unwatch?.();
    receiver.reject(error);
  }

  /** A batch with a message in it, if there is one; otherwise someone calls {@link noticed} when there is. */
  #ready(): B | undefined {
    if (this.#batch !== undefined && this.#batch.length > 0) return this.#batch;
    if (this.#closed) throw closed(this.#what);
    if (this.#yielding) return undefined;
    if (++this.#batches > TURN) {
      this.#yield();
      return undefined;
    }
    this.#batch = call(this.#drain);
    return this.#batch;
  }

  /** Goes on after a turn of the event loop. */
  #yield(): void {
    this.#yielding = true;
    setImmediate(() => {
      this.#yielding = false;
      this.noticed();
    });
  }
}
