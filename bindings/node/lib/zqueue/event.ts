/** What comes of a job that is watched. */
import type { ZpatternsError } from '../errors';

/** The job is accepted. */
export interface JobAccepted {
  kind: 'accepted';
  /** Its number. */
  job: number;
  /** It was there before: another with its key. */
  known: boolean;
}

/** How far a tree is. */
export interface JobProgress {
  kind: 'progress';
  /** Jobs that have not ended. */
  open: number;
  /** Jobs that were done. */
  done: number;
  /** Jobs that failed, or were cancelled. */
  failed: number;
}

/** This the job came to. Nothing follows. */
export type JobEnded =
  | { kind: 'ended'; /** What it came to. */ body: Buffer[]; error?: undefined }
  | { kind: 'ended'; /** Why it was not done. */ error: ZpatternsError; body?: undefined };

/** What comes of a job that is watched; its `kind` says what. */
export type WatchEvent = JobAccepted | JobProgress | JobEnded;
