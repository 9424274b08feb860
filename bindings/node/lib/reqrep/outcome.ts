/** How a request ends, if not with a reply. */
import { native } from '../addon';
import { type ErrorCode, ZpatternsError } from '../errors';

const codes = new Map(native.errorKinds().map((kind) => [kind.number, kind.name as ErrorCode]));

/** How many characters of a worker's words go into the error's text. */
const WORDS = 500;

/** What is known of a request that failed. */
interface Facts {
  mayHaveRun: boolean;
  retryAfter?: number | undefined;
  workerCode?: number;
  body?: readonly Buffer[];
}

/**
 * A request that ended without a reply. Its `code` is why: `'JobFailed'` is the worker's own error, with
 * {@link workerCode} and {@link body}; otherwise no worker answered.
 */
export class RequestFailed extends ZpatternsError {
  /** False if no worker was ever sent the request. */
  readonly mayHaveRun: boolean;
  /** When it may be worth trying again, in milliseconds; undefined if that is unknown. */
  readonly retryAfter: number | undefined;
  /** The worker's own code; `Job.DROPPED` if it gave no answer. */
  readonly workerCode: number | undefined;
  /** The worker's own words and data. */
  readonly body: readonly Buffer[] | undefined;

  /** @internal */
  constructor(code: ErrorCode, message: string, facts: Facts, options?: ErrorOptions) {
    super(code, message, {}, options);
    this.mayHaveRun = facts.mayHaveRun;
    this.retryAfter = facts.retryAfter;
    this.workerCode = facts.workerCode;
    this.body = facts.body;
  }
}

/** A worker's own error. @internal */
export function jobFailed(workerCode: number, body: readonly Buffer[]): RequestFailed {
  const words = body[0]?.toString('utf8', 0, WORDS).replace(/\p{Cc}/gu, ' ') ?? '';
  const text = `the worker failed with code ${workerCode}`;
  const facts = { mayHaveRun: true, workerCode, body };
  return new RequestFailed('JobFailed', words === '' ? text : `${text}: ${words}`, facts);
}

/** A failure of this kind; `retryAfter` is 0 if it is unknown. @internal */
export function failed(
  kind: number,
  mayHaveRun: boolean,
  retryAfter: number,
  why: string,
  signal: AbortSignal | undefined,
): RequestFailed {
  const text = `the request ${mayHaveRun ? 'may have run' : 'never ran'}: ${why}`;
  const facts = { mayHaveRun, retryAfter: retryAfter || undefined };
  return new RequestFailed(codes.get(kind) ?? 'System', text, facts, signal?.aborted ? { cause: signal.reason } : {});
}

/** A request that was taken back before it was made. @internal */
export function neverMade(signal: AbortSignal): RequestFailed {
  const text = 'the request never ran: it was taken back';
  return new RequestFailed('Cancelled', text, { mayHaveRun: false }, { cause: signal.reason });
}
