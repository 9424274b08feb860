/**
 * Small messages on their way to core, copied one behind the other, so that one call into the addon takes all of them
 * and the caller may use its buffers again at once.
 */
import { call } from './errors';
import type { Data } from './message';
import type { Socket as NativeSocket } from './native';

const BYTES = 64 * 1024;
const FRAMES = 512;
/** Full at this many messages. */
const MESSAGES = 256;
/** Larger frames go alone: another copy costs more than the call. */
const LARGEST = 8 * 1024 - 1;

export class Slab {
  readonly #native: NativeSocket;
  readonly #largest: number;
  readonly #bytes = Buffer.allocUnsafeSlow(BYTES);
  readonly #frameEnds = new Uint32Array(FRAMES);
  readonly #messageEnds = new Uint32Array(MESSAGES);
  #used = 0;
  #frames = 0;
  #messages = 0;
  #sent = 0;

  constructor(native: NativeSocket) {
    this.#native = native;
    this.#largest = Math.min(native.coalescesUpTo, LARGEST);
  }

  /** Messages that wait here. */
  get length(): number {
    return this.#messages - this.#sent;
  }

  /** Whether it holds as much as it should before it is handed over. */
  get full(): boolean {
    return this.#messages === MESSAGES || this.#used > BYTES - LARGEST || this.#frames > FRAMES / 2;
  }

  /** Copies a message of one frame in; false if it does not fit, or is not one that may wait. */
  put(frame: Data): boolean {
    if (this.#messages === MESSAGES || !this.#putFrame(frame)) return false;
    this.#messageEnds[this.#messages++] = this.#frames;
    return true;
  }

  /** Copies a message in; false if it does not fit, or is not one that may wait. */
  putMultipart(message: readonly Data[]): boolean {
    if (this.#messages === MESSAGES || message.length === 0) return false;
    const used = this.#used;
    const frames = this.#frames;
    for (const frame of message) {
      if (this.#putFrame(frame)) continue;
      this.#used = used;
      this.#frames = frames;
      return false;
    }
    this.#messageEnds[this.#messages++] = this.#frames;
    return true;
  }

  #putFrame(frame: Data): boolean {
    const room = Math.min(BYTES - this.#used, this.#largest);
    if (this.#frames === FRAMES) return false;
    if (typeof frame === 'string') {
      // A UTF-16 unit takes three bytes of UTF-8 at most.
      if (frame.length * 3 > room) return false;
      this.#used += this.#bytes.write(frame, this.#used);
    } else {
      if (!(frame instanceof Uint8Array) || frame.length > room) return false;
      this.#bytes.set(frame, this.#used);
      this.#used += frame.length;
    }
    this.#frameEnds[this.#frames++] = this.#used;
    return true;
  }

  /**
   * Hands over what core takes: true if that was all; otherwise a notice comes when there is room. An error is about
   * the first message that is left.
   */
  flush(): boolean {
    while (this.#sent < this.#messages) {
      const sent = call(() => this.#hand());
      if (sent === 0) return false;
      this.#sent += sent;
    }
    this.clear();
    return true;
  }

  #hand(): number {
    return this.#native.sendPacked(this.#bytes, this.#frameEnds, this.#messageEnds, this.#sent, this.#messages);
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
