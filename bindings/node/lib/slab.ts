/**
 * Small messages on their way to core, copied one behind the other, so that one call into the addon takes all of them
 * and the caller may use its buffers again at once. Beside each a pattern may put a few numbers, its facts.
 */
import { call } from './errors';
import type { Data } from './message';

/** How much a slab holds. */
export interface Size {
  /** Of all frames. */
  readonly bytes: number;
  readonly frames: number;
  readonly messages: number;
}

export const SIZE: Size = { bytes: 64 * 1024, frames: 1024, messages: 256 };
/** Larger frames go alone: another copy costs more than the call. */
export const LARGEST = 8 * 1024 - 1;

/** A slab, as the addon reads it. */
export interface Contents {
  readonly bytes: Uint8Array;
  readonly frameEnds: Uint32Array;
  readonly messageEnds: Uint32Array;
  readonly facts: Uint32Array;
}

/** Gives messages from `first` up to `end` to the addon, and returns how many it took. */
export type Hand = (contents: Contents, first: number, end: number) => number;

export class Slab implements Contents {
  readonly bytes: Uint8Array;
  readonly frameEnds: Uint32Array;
  readonly messageEnds: Uint32Array;
  readonly facts: Uint32Array;
  readonly #hand: Hand;
  readonly #largest: number;
  readonly #buffer: Buffer;
  #used = 0;
  #frames = 0;
  #messages = 0;
  #sent = 0;

  /** Takes frames of at most `largest` bytes, and `facts` numbers with each message. */
  constructor(hand: Hand, largest: number, facts = 0, { bytes, frames, messages }: Size = SIZE) {
    this.#hand = hand;
    this.#largest = largest;
    this.bytes = this.#buffer = Buffer.allocUnsafeSlow(bytes);
    this.frameEnds = new Uint32Array(frames);
    this.messageEnds = new Uint32Array(messages);
    this.facts = new Uint32Array(messages * facts);
  }

  /** Messages that wait here. */
  get length(): number {
    return this.#messages - this.#sent;
  }

  /** Whether it holds as much as it should before it is handed over. */
  get full(): boolean {
    const { frameEnds, messageEnds } = this;
    if (this.#messages === messageEnds.length || this.#frames > frameEnds.length / 2) return true;
    return this.#used > this.#buffer.length - LARGEST;
  }

  /** Copies a message of one frame in; false if it does not fit, or is not one that may wait. */
  put(frame: Data): boolean {
    if (this.#messages === this.messageEnds.length || !this.add(frame)) return false;
    this.end();
    return true;
  }

  /** Copies a message in; false if it does not fit, or is not one that may wait. */
  putMultipart(message: readonly Data[]): boolean {
    if (this.#messages === this.messageEnds.length || message.length === 0) return false;
    for (const frame of message) {
      if (this.add(frame)) continue;
      this.undo();
      return false;
    }
    this.end();
    return true;
  }

  /** Copies a frame of a message in; false if it does not fit, or is not one that may wait. */
  add(frame: Data): boolean {
    const room = Math.min(this.#buffer.length - this.#used, this.#largest);
    if (this.#frames === this.frameEnds.length) return false;
    if (typeof frame === 'string') {
      // A UTF-16 unit takes three bytes of UTF-8 at most.
      if (frame.length * 3 > room) return false;
      this.#used += this.#buffer.write(frame, this.#used);
    } else {
      if (!(frame instanceof Uint8Array) || frame.length > room) return false;
      this.bytes.set(frame, this.#used);
      this.#used += frame.length;
    }
    this.frameEnds[this.#frames++] = this.#used;
    return true;
  }

  /** The message is complete, and has this number, which is also that of its facts. There must be room for it. */
  end(): number {
    this.messageEnds[this.#messages] = this.#frames;
    return this.#messages++;
  }

  /** Takes back the frames of a message that is not complete. */
  undo(): void {
    this.#frames = this.#messages === 0 ? 0 : (this.messageEnds[this.#messages - 1] as number);
    this.#used = this.#frames === 0 ? 0 : (this.frameEnds[this.#frames - 1] as number);
  }

  /**
   * Hands over what core takes: true if that was all; otherwise a notice comes when there is room. An error is about
   * the first message that is left.
   */
  flush(): boolean {
    while (this.#sent < this.#messages) {
      const sent = call(() => this.#hand(this, this.#sent, this.#messages));
      if (sent === 0) return false;
      this.#sent += sent;
    }
    this.clear();
    return true;
  }

  /** Drops the first message that is left. */
  skip(): void {
    this.#sent += 1;
    if (this.#sent === this.#messages) this.clear();
  }

  /** Drops all. */
  clear(): void {
    this.#used = this.#frames = this.#messages = this.#sent = 0;
  }
}
