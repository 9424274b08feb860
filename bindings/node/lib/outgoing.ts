/** Requests, jobs or answers on their way to core: those of one tick leave together, in one call into the addon. */
import { type Data, type MessageLike, bytesOf, framesOf } from './message';
import { type Contents, type Hand, LARGEST, Slab } from './slab';

/** What leaves, and whom it is for. */
export interface Recipient<T> {
  /** Gives the addon those from `first` up to `end`, and returns how many it took. */
  give(contents: Contents, items: readonly T[], first: number, end: number): number;
  /** The addon does not take this one. */
  refused(item: T, error: unknown): void;
}

export class Outgoing<T> {
  readonly #recipient: Recipient<T>;
  /** How many each has. */
  readonly #facts: number;
  readonly #slab: Slab;
  readonly #items: T[] = [];
  #first = 0;

  /** Takes `facts` numbers with each message. */
  constructor(recipient: Recipient<T>, facts: number) {
    this.#recipient = recipient;
    this.#facts = facts;
    this.#slab = new Slab(this.#hand(this.#items), LARGEST, facts);
  }

  /** How many have not left. */
  get length(): number {
    return this.#slab.length;
  }

  /** Takes a message in, with its facts; an error if it is none. Large ones leave at once, after those before them. */
  put(item: T, head: readonly Data[], body: MessageLike, facts: readonly number[]): void {
    if (!offer(this.#slab, head, body, facts)) {
      const frames = [...head.map(bytesOf), ...framesOf(body)];
      this.hand();
      if (!offer(this.#slab, [], frames, facts)) return this.#alone(item, frames, facts);
    }
    this.#items.push(item);
    if (this.#slab.full) this.hand();
  }

  /** Gives away all that is here. */
  hand(): void {
    if (this.#slab.length > 0) this.#flush(this.#slab, this.#items);
  }

  /** Takes back what has not left. */
  takeBack(): T[] {
    this.#slab.clear();
    return this.#items.splice(0);
  }

  #alone(item: T, frames: readonly Uint8Array[], facts: readonly number[]): void {
    const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
    const items = [item];
    const slab = new Slab(this.#hand(items), bytes, this.#facts, { bytes, frames: frames.length, messages: 1 });
    offer(slab, [], frames, facts);
    this.#flush(slab, items);
  }

  #hand(items: readonly T[]): Hand {
    return (contents, first, end) => {
      this.#first = first;
      return this.#recipient.give(contents, items, first, end);
    };
  }

  #flush(slab: Slab, items: T[]): void {
    while (slab.length > 0) {
      try {
        slab.flush();
      } catch (error) {
        slab.skip();
        this.#recipient.refused(items[this.#first] as T, error);
      }
    }
    items.length = 0;
  }
}

/** Copies a message in; false if it does not fit. */
function offer(slab: Slab, head: readonly Data[], body: MessageLike, facts: readonly number[]): boolean {
  if (!(addAll(slab, head) && (Array.isArray(body) ? addAll(slab, body) : slab.add(body as Data)))) {
    slab.undo();
    return false;
  }
  const at = slab.end() * facts.length;
  for (let index = 0; index < facts.length; index++) slab.facts[at + index] = facts[index] as number;
  return true;
}

function addAll(slab: Slab, frames: readonly Data[]): boolean {
  for (const frame of frames) if (!slab.add(frame)) return false;
  return true;
}
