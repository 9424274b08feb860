/** What was asked for and was not done. */
import { type ErrorCode, ZpatternsError } from './errors';

/** How many characters of a worker's words go into the error's text. */
const WORDS = 500;

/** What is known of it. @internal */
export interface FailedFacts {
  mayHaveRun: boolean;
  retryAfter?: number | undefined;
  workerCode?: number;
  body?: readonly Buffer[];
}

/**
 * A request that ended without a reply. Its `code` is why: `'JobFailed'` is the worker's own error, a {@link
 * JobFailed}; otherwise no worker answered.
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
  constructor(code: ErrorCode, message: string, facts: FailedFacts, options?: ErrorOptions) {
    super(code, message, {}, options);
    this.mayHaveRun = facts.mayHaveRun;
    this.retryAfter = facts.retryAfter;
    this.workerCode = facts.workerCode;
    this.body = facts.body;
  }
}

/**
 * A worker's own error, to a request or of a job in a queue: it says that this cannot be done. `code` is `'JobFailed'`.
 */
export class JobFailed extends RequestFailed {
  /** The worker's own code; `Job.DROPPED` or `QueueJob.DROPPED` if it dropped the job without a word. */
  declare readonly workerCode: number;
  /** The worker's own words and data. */
  declare readonly body: readonly Buffer[];

  /** @internal */
  constructor(workerCode: number, body: readonly Buffer[]) {
    const words = body[0]?.toString('utf8', 0, WORDS).replace(/\p{Cc}/gu, ' ') ?? '';
    const text = `the worker failed with code ${workerCode}`;
    super('JobFailed', words === '' ? text : `${text}: ${words}`, { mayHaveRun: true, workerCode, body });
  }
}

/**
 * A job of a queue that was not done, and no worker said so: it was cancelled, workers were lost with it, and so on. `code`
 * says which.
 */
export class JobLost extends ZpatternsError {
  /** @internal */
  constructor(code: ErrorCode, message: string) {
    super(code, message);
  }
}
