/** What a producer sees who looks. */
import type { ZpatternsError } from '../errors';
import type { LetterFacts } from '../native';
import { failure } from './failure';
import type { JobOptions } from './manner';

/** A job of a tree. */
export interface TreeJob {
  /** Its number. */
  job: number;
  /** What it is a child of; 0 if of none that is there. */
  parent: number;
  /** How far below the job that was asked about. */
  depth: number;
  /** The queue in which it is. */
  queue: string;
  /**
   * Where it stands: it waits for a worker or for its elder siblings, it waits for its time, a worker has it, or it
   * waits for its children.
   */
  state: 'waiting' | 'delayed' | 'running' | 'suspended';
  /** For so many milliseconds. */
  since: number;
  /** Children that have not ended. */
  open: number;
  /** All that it has spawned. */
  spawned: number;
}

/** Some jobs of a tree. */
export interface Tree {
  /** Each right behind the one it is a child of, and before the next of that one's siblings. */
  jobs: TreeJob[];
  /** Whether there are more. */
  more: boolean;
}

/** A job that failed by itself. */
export interface DeadLetter {
  /** The number that it had. */
  job: number;
  /** The queue in which it was. */
  queue: string;
  /** What was to be done. */
  body: Buffer[];
  /** How. */
  options: Omit<JobOptions, 'signal'>;
  /** Why it was not: a `JobFailed` if a worker said so. */
  failure: ZpatternsError;
}

/** Some dead letters. */
export interface DeadLetters {
  /** The oldest first. */
  letters: DeadLetter[];
  /** Whether there are more. */
  more: boolean;
}

/** A letter as the addon brings it. @internal */
export function letterOf({ job, queue, body, options, key, kind, code, words }: LetterFacts): DeadLetter {
  return { job, queue, body, options: { ...options, key }, failure: failure(kind, code, words) };
}
