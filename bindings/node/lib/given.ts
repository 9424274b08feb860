/** Options that cross as numbers beside a message. */
import { invalid } from './errors';

/** What a number beside a message holds, and the longest time in milliseconds. */
const MOST = 2 ** 32 - 1;

/** An error if one of the options is not among `names`. */
export function refuseUnknown(options: object, names: ReadonlySet<string>): void {
  for (const name in options) if (!names.has(name)) throw invalid('there is no such option', { option: name });
}

/** An option that is a number from `least` to `most`; `standard` if it is not given. */
export function whole(option: string, given: number | undefined, standard: number, most = MOST, least = 0): number {
  if (given === undefined) return standard;
  if (Number.isInteger(given) && given >= least && given <= most) return given;
  throw invalid(`the option takes a whole number from ${least} to ${most}`, { option, value: String(given) });
}

/** An option that is on, 1, or off, 0, which it is if it is not given. */
export function flag(option: string, given: boolean | undefined): number {
  if (given === undefined || typeof given === 'boolean') return Number(given ?? false);
  throw invalid('the option takes a boolean', { option, value: String(given) });
}
