/** Contexts: most programs need only the one that every environment has. */
import { environment } from './environment';
import { call } from './errors';
import { native } from './addon';

/** How a context is set up. */
export interface ContextOptions {
  /** Threads that move bytes between sockets and the network, 1 to 64. Default: 1, enough below about 1 GB/s. */
  ioThreads?: number | undefined;
  /** How many sockets may be open at once, 1 to 65535. Default: 16384. */
  maxSockets?: number | undefined;
}

/**
 * The I/O threads, the reactor, and everything that lives by inproc names: sockets find each other by `inproc://` only
 * within one context. It ends when it and its last socket are collected.
 */
export class Context {
  /** @internal */
  readonly native: InstanceType<typeof native.Context>;

  /** Throws `InvalidArgument` for a number out of range. */
  constructor(options: ContextOptions = {}) {
    this.native = call(() => new native.Context(environment, options.ioThreads, options.maxSockets));
  }

  /** Ends every wait in every socket of this context, now and from now on, with `Closed`. */
  shutdown(): void {
    this.native.shutdown();
  }
}

let standard: Context | undefined;

/** The context of sockets that are not given one: one per environment (the main thread, or a worker). */
export function defaultContext(): Context {
  standard ??= new Context();
  return standard;
}
