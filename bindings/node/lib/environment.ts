/**
 * What the sockets of one JavaScript environment (the main thread, or a worker) share: the notices of the addon, what
 * keeps the process alive, and the way out.
 *
 * The addon's notices never keep the process alive. A timer does, while something waits, because referencing a timer
 * is ten times cheaper than a call into the addon.
 */
import { native } from './addon';

/** Something that waits for notices. */
export interface Waiting {
  /** What it armed for may hold now. */
  noticed(): void;
}

/** Something that must hand over its messages before the process ends. */
export interface Leaving {
  /** Hands over what it can at once. */
  leave(): void;
}

const waiting = new Map<number, Waiting>();
const listeners = new Map<number, Waiting>();
const leaving = new Set<Leaving>();

const DAY = 24 * 60 * 60 * 1000;
const alive = setInterval(() => {}, DAY).unref();

export const environment = new native.Environment((id) => (waiting.get(id) ?? listeners.get(id))?.noticed());

/** `who` waits for notice `id`; the process lives until {@link resting}. */
export function awaiting(id: number, who: Waiting): void {
  waiting.set(id, who);
  if (waiting.size === 1) alive.ref();
}

/** Nothing waits for notice `id` any more. */
export function resting(id: number): void {
  if (waiting.delete(id) && waiting.size === 0) alive.unref();
}

/** `who` hears of notice `id`, as long as the process lives for something else, until {@link deaf}. */
export function listening(id: number, who: Waiting): void {
  listeners.set(id, who);
}

/** Nobody hears of notice `id` any more. */
export function deaf(id: number): void {
  listeners.delete(id);
}

/** Whether the process is on its way out: nothing that is put off would happen. */
export let exiting = false;

/** `who` holds messages that are not yet handed over. */
export function holding(who: Leaving): void {
  leaving.add(who);
}

/** `who` holds nothing any more. */
export function empty(who: Leaving): void {
  leaving.delete(who);
}

process.once('exit', () => {
  exiting = true;
  for (const who of leaving) who.leave();
});
