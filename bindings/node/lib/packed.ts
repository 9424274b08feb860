/**
 * A batch as the addon packs it: one block of bytes with its numbers behind it, and large frames beside it. The layout
 * is described in `src/pack.rs`. Messages are cut out as views, never copied, so keeping one of a batch keeps the
 * block (128 KiB at most, or one message).
 */
import { isUtf8 } from 'node:buffer';
import type { Packed } from './native';
import { ZpatternsError } from './errors';

/** Takes messages from a batch, in order. */
export class PackedBatch {
  readonly #block: ArrayBuffer;
  readonly #frameEnds: Uint32Array;
  /** Undefined if every message has one frame. */
  readonly #messageEnds: Uint32Array | undefined;
  readonly #largeAt: Uint32Array;
  readonly #large: Buffer[];
  readonly #messages: number;
  #message = 0;
  #frame = 0;
  #offset = 0;
  #nextLarge = 0;

  constructor({ block, large = [] }: Packed) {
    const numbers = Math.floor(block.byteLength / 4);
    const [frames, messages, larges, bytes] = new Uint32Array(block, 4 * (numbers - 4), 4) as unknown as [
      number, number, number, number,
    ];
    let at = 4 * Math.ceil(bytes / 4);
    const take = (length: number) => {
      const taken = new Uint32Array(block, at, length);
      at += 4 * length;
      return taken;
    };
    this.#block = block;
    this.#frameEnds = take(frames);
    this.#messageEnds = frames === messages ? undefined : take(messages);
    this.#largeAt = take(larges);
    this.#large = large;
    this.#messages = messages;
  }

  /** Messages that are left. */
  get length(): number {
    return this.#messages - this.#message;
  }

  /** Bytes of the messages that are left. */
  get bytes(): number {
    const last = this.#frameEnds[this.#frameEnds.length - 1] ?? 0;
    const large = this.#large.slice(this.#nextLarge).reduce((sum, frame) => sum + frame.length, 0);
    return last - this.#offset + large;
  }

  /** The next message of one frame. Fails, and stays in front, if the message has several. There must be one. */
  takeSingle(): Buffer {
    if (this.#messageEnds !== undefined) {
      const frames = (this.#messageEnds[this.#message] as number) - this.#frame;
      if (frames !== 1) {
        throw new ZpatternsError(
          'Unsupported',
          'the next message has several frames; receive it as a multipart message',
          { frames: String(frames) },
        );
      }
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
    const end = this.#messageEnds?.[this.#message] ?? this.#frame + 1;
    const message: Buffer[] = [];
    while (this.#frame < end) message.push(this.#takeFrame());
    this.#message += 1;
    return message;
  }

  /** The next messages of one frame, up to one that has several; fails as {@link takeSingle} if that is the next. */
  takeSingles(most: number): Buffer[] {
    const count = Math.min(most, this.length);
    const ends = this.#messageEnds;
    const messages = [this.takeSingle()];
    while (messages.length < count) {
      if (ends !== undefined && (ends[this.#message] as number) - this.#frame !== 1) break;
      this.#message += 1;
      messages.push(this.#takeFrame());
    }
    return messages;
  }

  #takeFrame(): Buffer {
    const frame = this.#frame++;
    if (frame === this.#largeAt[this.#nextLarge]) return this.#large[this.#nextLarge++] as Buffer;
    const start = this.#offset;
    this.#offset = this.#frameEnds[frame] as number;
    return Buffer.from(this.#block, start, this.#offset - start);
  }
}
