/** What happens at a broker, one by one. */
import type { LossReason } from './counters';

/** A worker offers a service. */
export interface WorkerJoined {
  kind: 'worker_joined';
  /** Its number, as in {@link PeerCounters}. */
  worker: number;
  /** What it offers. */
  service: string;
}

/** A worker offers it no more: it closed, is silent for too long, or its session is lost. */
export interface WorkerGone {
  kind: 'worker_gone';
  /** Its number. */
  worker: number;
  /** What it offered. */
  service: string;
  /** How many it had; those that may be given again go to others. */
  requests: number;
  /** Whether it had said that it leaves. */
  left: boolean;
}

/** Requests that were accepted ended without a worker's answer. */
export interface RequestsLost {
  kind: 'lost';
  /** What they asked for. */
  service: string;
  /** How many: those of one key that are run once end together. */
  requests: number;
  /** Why. */
  reason: LossReason;
}

/** News before the next ones were not taken in time. */
export interface NewsMissed {
  kind: 'missed';
  /** How many. */
  missed: number;
}

/** Something that happened at a broker; its `kind` says what. */
export type News = WorkerJoined | WorkerGone | RequestsLost | NewsMissed;
