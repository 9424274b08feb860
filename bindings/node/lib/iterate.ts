/**
 * Iterators over an inbox. Made by hand: `next` answers with a resolved promise while messages are there, which is
 * faster than an async generator.
 */
import { type WaitOptions, cancelled } from './deadline';
import { ZpatternsError } from './errors';
import type { Batch, Inbox, Take } from './inbox';

/** What `take` takes, again and again, until the inbox closes. */
export function messages<B extends Batch, T>(
  inbox: Inbox<B>,
  take: Take<B, T>,
  signal?: AbortSignal,
): AsyncIterableIterator<T> {
  const options: WaitOptions = { signal };
  let over = false;
  const end = (): IteratorReturnResult<undefined> => {
    over = true;
    return { value: undefined, done: true };
  };
  const given = (value: T): IteratorYieldResult<T> => ({ value, done: false });
  const failed = (error: unknown): IteratorReturnResult<undefined> => {
    const done = end();
    if (error instanceof ZpatternsError && error.code === 'Closed') return done;
    throw error;
  };
  return {
    next() {
      if (over) return Promise.resolve(end());
      try {
        if (signal?.aborted) throw cancelled(signal);
        const taken = inbox.poll(take);
        if (taken !== undefined) return Promise.resolve(given(taken));
      } catch (error) {
        return new Promise((resolve) => resolve(failed(error)));
      }
      return inbox.receive(take, options).then(given, failed);
    },
    return() {
      return Promise.resolve(end());
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
