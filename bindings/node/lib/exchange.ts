/**
 * What was asked and is not answered yet.
 *
 * Questions of one tick leave together when the program pauses; in the same turn, what came of others is taken over.
 * While there is something in each turn, the addon is not asked for notices.
 */
import { type Waiting, awaiting, deaf, listening, resting } from './environment';
import { call, closed } from './errors';
import { type Data, type MessageLike } from './message';
import { Outgoing, type Recipient } from './outgoing';
import { type Contents, SIZE } from './slab';

/** How many turns may follow each other before the event loop gets one. */
const TURNS = 16;

/** Who waits for what comes of a question. */
export abstract class Asked {
  /** The addon's number for the question; 0 before it has left. */
  ticket = 0;
  signal: AbortSignal | undefined;
  unwatch: (() => void) | undefined;
  /** 1 if the process lives until the answer comes, 0 if that is not waited for now. */
  holds = 1;

  /** There is no answer. Nothing follows. */
  abstract fail(error: unknown): void;
}

/** What questions cross with. */
interface Native<T> {
  readonly id: number;
  post(
    bytes: Uint8Array,
    frameEnds: Uint32Array,
    messageEnds: Uint32Array,
    facts: Uint32Array,
    tickets: Float64Array,
    first: number,
    end: number,
  ): number;
  drain(): T | null;
}

/** Asks, and hands out what comes of it, which the addon brings as `T`. */
export abstract class Exchange<A extends Asked, T> implements Waiting, Recipient<A> {
  readonly #native: Native<T>;
  readonly #id: number;
  readonly #what: string;
  readonly #outgoing: Outgoing<A>;
  readonly #open = new Map<number, A>();
  readonly #tickets = new Float64Array(SIZE.messages);
  #closed = false;
  /** Whether the addon owes a notice. */
  #armed = false;
  #scheduled = false;
  /** How many hold the process. */
  #held = 0;
  /** Whether the process is held, and whether notices are listened to all the same. */
  #holding = false;
  #listening = false;
  #turns = 0;

  /** A question has `facts` numbers with it. Errors call who asks a `what`. */
  constructor(native: Native<T>, facts: number, what: string) {
    this.#native = native;
    this.#id = native.id;
    this.#what = what;
    this.#outgoing = new Outgoing<A>(this, facts);
  }

  /** Hands out what the addon brought. */
  protected abstract tell(brought: T): void;
  /** The signal of a question aborts. */
  protected abstract abort(asked: A, signal: AbortSignal): void;

  /** Throws if there is nobody to ask any more. */
  protected check(): void {
    if (this.#closed) throw closed(this.#what);
  }

  /** Asks. Throws if the message is none. */
  protected put(
    asked: A,
    head: readonly Data[],
    body: MessageLike,
    facts: readonly number[],
    signal?: AbortSignal | undefined,
  ): void {
    this.#held += asked.holds;
    if (signal !== undefined) this.#watch(asked, signal);
    try {
      this.#outgoing.put(asked, head, body, facts);
    } catch (error) {
      this.over(asked);
      throw error;
    }
    this.#schedule();
    this.#settle();
  }

  /** Says more about a question that was asked. */
  protected add(asked: A, body: MessageLike, facts: readonly number[]): void {
    this.#outgoing.put(asked, [], body, facts);
    this.#schedule();
  }

  /** Gives all that is here to core. */
  protected hand(): void {
    this.#outgoing.hand();
  }

  /** Who asked, if it is open. */
  protected asked(ticket: number): A | undefined {
    return this.#open.get(ticket);
  }

  /** Nothing more comes of it. */
  protected over(asked: A): void {
    this.#open.delete(asked.ticket);
    asked.unwatch?.();
    asked.unwatch = undefined;
    this.#held -= asked.holds;
    asked.holds = 0;
  }

  /** Whether the process lives for this one, which is open. */
  hold(asked: A, holds: 0 | 1): void {
    this.#held += holds - asked.holds;
    asked.holds = holds;
    this.#settle();
  }

  noticed(): void {
    this.#armed = false;
    this.#turn();
  }

  /** Everyone who waits hears that it is over. */
  close(): void {
    this.#closed = true;
    this.#end(closed(this.#what));
  }

  give(contents: Contents, asked: readonly A[], first: number, end: number): number {
    const { bytes, frameEnds, messageEnds, facts } = contents;
    const tickets = this.#tickets;
    const posted = this.#native.post(bytes, frameEnds, messageEnds, facts, tickets, first, end);
    for (let index = first; index < first + posted; index++) {
      const one = asked[index] as A;
      if (one.ticket !== 0) continue;
      one.ticket = tickets[index] as number;
      this.#open.set(one.ticket, one);
    }
    return posted;
  }

  refused(asked: A, error: unknown): void {
    this.over(asked);
    asked.fail(error);
  }

  #watch(asked: A, signal: AbortSignal): void {
    const aborted = () => this.abort(asked, signal);
    signal.addEventListener('abort', aborted, { once: true });
    asked.signal = signal;
    asked.unwatch = () => signal.removeEventListener('abort', aborted);
  }

  /** What is to leave leaves, and what came is taken over. */
  readonly #turn = (): void => {
    this.#scheduled = false;
    this.#outgoing.hand();
    if (!this.#armed && !this.#closed) this.#take();
    this.#settle();
  };

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#turn);
  }

  /** The next turn comes when those who waited have gone on, and perhaps asked again. */
  #scheduleNext(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (++this.#turns < TURNS) queueMicrotask(this.#afterThis);
    else setImmediate(this.#turn);
  }

  readonly #afterThis = (): void => process.nextTick(this.#turn);

  #take(): void {
    try {
      const brought = call(() => this.#native.drain());
      if (brought === null) {
        this.#armed = true;
        this.#turns = 0;
      } else {
        this.tell(brought);
        this.#scheduleNext();
      }
    } catch (error) {
      this.#end(error);
    }
  }

  #end(error: unknown): void {
    const all = [...this.#open.values(), ...this.#outgoing.takeBack()];
    for (const asked of all) this.refused(asked, error);
    this.#settle();
  }

  /**
   * The process lives while somebody waits. What comes of the rest is heard of as long as it lives for another reason.
   */
  #settle(): void {
    const id = this.#id;
    const holding = this.#held > 0;
    const listens = !holding && this.#open.size > 0;
    // Nobody heard a notice of what came of something that was given up.
    if ((holding || listens) && !this.#holding && !this.#listening) this.#armed = false;
    if (holding !== this.#holding) {
      this.#holding = holding;
      if (holding) awaiting(id, this);
      else resting(id);
    }
    if (listens !== this.#listening) {
      this.#listening = listens;
      if (listens) listening(id, this);
      else deaf(id);
    }
  }
}
