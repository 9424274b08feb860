/**
 * A batch as the addon packs it: one block of bytes with its numbers behind it, and large frames beside it. The layout
 * is described in `src/pack.rs`. Messages are cut out as views, never copied, so keeping one of a batch keeps the
 * block (128 KiB at most, or one message).
 */
import { isUtf8 } from 'node:buffer';
import type { Packed } from './native';
import { ZpatternsError } from './errors';

const NONE: readonly Buffer[] = [];

/** Takes messages from a batch, in order. */
export class PackedBatch {
  readonly #block: ArrayBuffer;
  /** The block as numbers: making one view takes as long as cutting out a message. */
  readonly #numbers: Uint32Array;
  /** Where among the numbers the ends of the frames are. */
  readonly #frameEnds: number;
  /** Where the ends of the messages are; undefined if every message has one frame, without facts. */
  readonly #messageEnds: number | undefined;
  /** Where the facts are, and how many each message has. */
  readonly #factsAt: number;
  readonly #facts: number;
  readonly #largeAt: number;
  readonly #large: readonly Buffer[];
  readonly #frames: number;
  readonly #messages: number;
  #message = 0;
  #frame = 0;
  #offset = 0;
  #nextLarge = 0;

  constructor({ block, large }: Packed, facts = 0) {
    this.#block = block;
    this.#numbers = new Uint32Array(block);
    const tail = this.#numbers.length - 4;
    this.#frames = this.#number(tail);
    this.#messages = this.#number(tail + 1);
    this.#large = large ?? NONE;
    this.#largeAt = tail - this.#number(tail + 2);
    const single = facts === 0 && this.#frames === this.#messages;
    this.#messageEnds = single ? undefined : this.#largeAt - this.#messages;
    this.#frameEnds = Math.ceil(this.#number(tail + 3) / 4);
    this.#factsAt = this.#frameEnds + this.#frames;
    this.#facts = facts;
  }

  /** Messages that are left. */
  get length(): number {
    return this.#messages - this.#message;
  }

  /** Bytes of the messages that are left. */
  get bytes(): number {
    const last = this.#frames === 0 ? 0 : this.#number(this.#frameEnds + this.#frames - 1);
    const large = this.#large.slice(this.#nextLarge).reduce((sum, frame) => sum + frame.length, 0);
    return last - this.#offset + large;
  }

  /** A number that the next message has beside its frames. There must be one. */
  fact(index: number): number {
    return this.#number(this.#factsAt + this.#message * this.#facts + index);
  }

  /** Passes over a frame of the next message; where its bytes end in the {@link cut} block. */
  skip(): number {
    this.#offset = this.#number(this.#frameEnds + this.#frame++);
    return this.#offset;
  }

  /** Where the bytes of the next frame begin. */
  get at(): number {
    return this.#offset;
  }

  /** Bytes of the block. */
  cut(start: number, end: number): Buffer {
    return Buffer.from(this.#block, start, end - start);
  }

  /** The next message of one frame. Fails, and stays in front, if the message has several. There must be one. */
  takeSingle(): Buffer {
    const frames = this.#nextEnd() - this.#frame;
    if (frames !== 1) {
      throw new ZpatternsError(
        'Unsupported',
        'the next message has several frames; receive it as a multipart message',
        { frames: String(frames) },
      );
    }
    this.#message += 1;
    return this.#takeFrame();
  }

  /** As {@link takeSingle}, if its bytes are UTF-8; otherwise that fails, too, and the message stays in front. */
  takeText(): string {
    const at = [this.#message, this.#frame, this.#offset, this.#nextLarge] as const;
    const bytes = this.takeSingle();
    if (isUtf8(bytes)) return bytes.toString();
    [this.#message, this.#frame, this.#offset, this.#nextLarge] = at;
    throw new ZpatternsError('InvalidText', 'the next message is not UTF-8; receive it as bytes');
  }

  /** The next message. There must be one. */
  takeMultipart(): Buffer[] {
    const end = this.#nextEnd();
    const message: Buffer[] = [];
    while (this.#frame < end) message.push(this.#takeFrame());
    this.#message += 1;
    return message;
  }

  /** The next messages of one frame, up to one that has several; fails as {@link takeSingle} if that is the next. */
  takeSingles(most: number): Buffer[] {
    const count = Math.min(most, this.length);
    const messages = [this.takeSingle()];
    while (messages.length < count && this.#nextEnd() === this.#frame + 1) {
      this.#message += 1;
      messages.push(this.#takeFrame());
    }
    return messages;
  }

  /** The next messages. There must be one. */
  takeMultiparts(most: number): Buffer[][] {
    const messages = [this.takeMultipart()];
    while (messages.length < most && this.length > 0) messages.push(this.takeMultipart());
    return messages;
  }

  #takeFrame(): Buffer {
    const frame = this.#frame++;
    const large = this.#large[this.#nextLarge];
    if (large !== undefined && frame === this.#number(this.#largeAt + this.#nextLarge)) {
      this.#nextLarge += 1;
      return large;
    }
    const start = this.#offset;
    this.#offset = this.#number(this.#frameEnds + frame);
    return this.cut(start, this.#offset);
  }

  /** The number of frames up to the end of the next message. */
  #nextEnd(): number {
    return this.#messageEnds === undefined ? this.#frame + 1 : this.#number(this.#messageEnds + this.#message);
  }

  #number(at: number): number {
    return this.#numbers[at] as number;
  }
}
