/** When a waiting call gives up: after a time, or when its signal says so. */
import { ZpatternsError, invalid } from './errors';

/** How long a call may wait. */
export interface WaitOptions {
  /** Give up after this many milliseconds with `Timeout`; 0 does not wait. Default: wait as long as it takes. */
  timeout?: number | undefined;
  /** Give up with `Cancelled` when it aborts; `cause` is the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Timers of Node go no further. */
const LONGEST = 2 ** 31 - 1;

/** The error of an aborted signal. */
export function cancelled(signal: AbortSignal): ZpatternsError {
  return new ZpatternsError('Cancelled', 'the wait was cancelled', {}, { cause: signal.reason });
}

/** An error if the options are not what they should be, or if the signal is aborted already. */
export function check(options: WaitOptions): void {
  const { timeout, signal } = options;
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0)) {
    throw invalid('a timeout is a number of milliseconds, at least 0', { timeout: String(timeout) });
  }
  if (signal?.aborted) throw cancelled(signal);
}

/** Calls `give_up` when the time is over or the signal aborts, until the returned function is called. */
export function watch(options: WaitOptions, giveUp: (error: ZpatternsError) => void): () => void {
  const { timeout, signal } = options;
  let timer: NodeJS.Timeout | undefined;
  if (timeout !== undefined && timeout <= LONGEST) {
    timer = setTimeout(() => giveUp(new ZpatternsError('Timeout', 'the deadline passed')), timeout);
  }
  const aborted = () => giveUp(cancelled(signal as AbortSignal));
  signal?.addEventListener('abort', aborted, { once: true });
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', aborted);
  };
}
