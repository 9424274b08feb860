/** What the children of a job came to. */
import type { ZpatternsError } from '../errors';
import { failure } from './failure';

/** As in `src/zqueue/jobs.rs`. */
const [DONE, NOTHING] = [0, 2 ** 32 - 1];

/** What a child came to: the frames of its outcome, why it was not done, or nothing if it failed and is ignored. */
export type ChildResult = Buffer[] | ZpatternsError | undefined;

/** Reads what `src/zqueue/jobs.rs` packed. @internal */
export function readResults(block: Buffer): ChildResult[] {
  const results: ChildResult[] = [];
  let at = 0;
  const number = (): number => block.readUInt32LE((at += 4) - 4);
  while (at < block.length) {
    const [kind, code] = [number(), number()];
    const sizes = Array.from({ length: number() }, number);
    const body = sizes.map((size) => block.subarray(at, (at += size)));
    results.push(kind === NOTHING ? undefined : kind === DONE ? body : failure(kind, code, body));
  }
  return results;
}
