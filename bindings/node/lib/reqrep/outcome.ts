/** How a request ends, if no worker answers. */
import { codeOf } from '../errors';
import { RequestFailed } from '../failed';

/** A failure of this kind; `retryAfter` is 0 if it is unknown. */
export function failed(
  kind: number,
  mayHaveRun: boolean,
  retryAfter: number,
  why: string,
  signal: AbortSignal | undefined,
): RequestFailed {
  const text = `the request ${mayHaveRun ? 'may have run' : 'never ran'}: ${why}`;
  const facts = { mayHaveRun, retryAfter: retryAfter || undefined };
  return new RequestFailed(codeOf(kind), text, facts, signal?.aborted ? { cause: signal.reason } : {});
}

/** A request that was taken back before it was made. */
export function neverMade(signal: AbortSignal): RequestFailed {
  const text = 'the request never ran: it was taken back';
  return new RequestFailed('Cancelled', text, { mayHaveRun: false }, { cause: signal.reason });
}
