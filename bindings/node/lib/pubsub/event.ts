/** What a subscriber brings. */
import { ZpatternsError, codeOf } from '../errors';
import { PackedBatch } from '../packed';

/** The number of a subscription, of which a subscriber uses none twice. */
export type Subscription = number;

/** Why something will not come. */
export type LostReason = 'slow' | 'history' | 'revoked' | 'gone' | 'closed';

/** This was published. */
export interface Publication {
  kind: 'message';
  /** The subscription that asked for it. */
  subscription: Subscription;
  /** The stream to which it belongs. */
  stream: string;
  /** Its number in the stream, from 1. */
  number: number;
  /** What it is about. */
  subject: string;
  /** What was published. */
  frames: Buffer[];
}

/** This was published, and will not come. */
export interface PublicationsMissed {
  kind: 'missed';
  /** The subscription that asked for it. */
  subscription: Subscription;
  /** The stream to which it belongs. */
  stream: string;
  /** The first number, in the stream. */
  first: number;
  /** The last. */
  last: number;
  /** How many of these were for this subscription; 0 if nobody knows. */
  count: number;
  /** Why. */
  reason: LostReason;
}

/** A publication, or what else a subscriber learns; `kind` says which. */
export type SubscriberEvent =
  | Publication
  | PublicationsMissed
  /** The publisher knows who this is. */
  | { kind: 'connected' }
  /** The subscription is there; what follows belongs to it. */
  | { kind: 'subscribed'; subscription: Subscription }
  /** The subscription is not there, or not any more: `PermissionDenied`, `Full`. */
  | { kind: 'rejected'; subscription: Subscription; error: ZpatternsError }
  /** The publisher has started anew. What it had not sent is lost with it; the numbers begin again. */
  | { kind: 'restarted' };

/** As in `src/pubsub/packed.rs`. */
const FACTS = 6;
const KINDS = ['message', 'connected', 'subscribed', 'missed', 'rejected', 'restarted'] as const;
const REASONS: readonly LostReason[] = ['slow', 'history', 'revoked', 'gone', 'closed'];

/** What was brought by one call into the addon. @internal */
export class Events {
  readonly #packed: PackedBatch;
  /** Of streams and subjects. */
  readonly #names: readonly string[];

  constructor(block: ArrayBuffer) {
    this.#packed = new PackedBatch({ block }, FACTS);
    this.#names = this.#readNames();
  }

  get length(): number {
    return this.#packed.length;
  }

  get bytes(): number {
    return this.#packed.bytes;
  }

  /** The next event. There must be one. */
  take(): SubscriberEvent {
    const packed = this.#packed;
    const [what, subscription, place] = [packed.fact(0), packed.fact(1), packed.fact(3)];
    if (what === 0) {
      const stream = this.#name(packed.fact(2));
      const number = packed.fact(4) + packed.fact(5) * 2 ** 32;
      const subject = this.#name(place);
      return { kind: 'message', subscription, stream, number, subject, frames: packed.takeMultipart() };
    }
    const kind = KINDS[what] as Exclude<SubscriberEvent['kind'], 'message'>;
    if (kind === 'missed') {
      const stream = this.#name(packed.fact(2));
      const first = packed.fact(4) + packed.fact(5) * 2 ** 32;
      const [last, count] = packed.takeMultipart().map((frame) => frame.readDoubleLE()) as [number, number];
      return { kind, subscription, stream, first, last, count, reason: REASONS[place] as LostReason };
    }
    const [text] = packed.takeMultipart();
    if (kind === 'rejected') return { kind, subscription, error: new ZpatternsError(codeOf(place), String(text)) };
    return kind === 'subscribed' ? { kind, subscription } : { kind };
  }

  /** The next events. There must be one. */
  takeMany(most: number): SubscriberEvent[] {
    const events = [this.take()];
    while (events.length < most && this.length > 0) events.push(this.take());
    return events;
  }

  #name(place: number): string {
    return this.#names[place] as string;
  }

  /** The names, which stand first. */
  #readNames(): string[] {
    const packed = this.#packed;
    const ends = Array.from({ length: packed.fact(0) }, () => packed.skip());
    packed.takeMultipart();
    const bytes = packed.cut(0, packed.at);
    return ends.map((end, place) => bytes.toString('utf8', ends[place - 1] ?? 0, end));
  }
}
