/** What the two sides of a connection have in common. */
import type { Context } from './context';
import { invalid } from './errors';

/** What the two sides of a connection have in common. */
export interface PartyOptions {
  /** The context. Default: the one of the environment. */
  context?: Context | undefined;
  /** Who owes a sign of life is asked for one after this much silence, in milliseconds. At least 1. Default: 1000. */
  heartbeatInterval?: number | undefined;
  /** After how many silent intervals it counts as dead. At least 2. Default: 3. */
  heartbeatLimit?: number | undefined;
}

/** One endpoint, or several, as the addon takes them. @internal */
export function endpointsOf(endpoints: string | readonly string[]): string[] {
  return listOf(endpoints, 'endpoints');
}

/** One string, or several, as the addon takes them; an error calls them `what`. @internal */
export function listOf(given: string | readonly string[], what: string): string[] {
  if (typeof given === 'string') return [given];
  if (Array.isArray(given)) return [...given];
  throw invalid(`${what} are a string, or an array of strings`, { given: typeof given });
}
