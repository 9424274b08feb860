/** One error class. Programs decide by `code`, people read the message. */
import { native } from './addon';

/** What went wrong, by name; the same names and numbers as in every language of zpatterns. */
export type ErrorCode =
  | 'InvalidArgument' | 'InvalidEndpoint' | 'AddressInUse' | 'AddressNotAvailable' | 'Unsupported' | 'Timeout'
  | 'Cancelled' | 'Interrupted' | 'Closed' | 'Full' | 'Unreachable' | 'WrongState' | 'TooLarge' | 'PermissionDenied'
  | 'NotFound' | 'TooManyOpen' | 'InvalidText' | 'Forked' | 'Poisoned' | 'System'
  | 'JobFailed' | 'Corrupt';

const all = native.errorKinds();
const kinds = new Map(all.map((kind) => [kind.name, kind]));
const codes = new Map(all.map((kind) => [kind.number, kind.name as ErrorCode]));

/** Every error of zpatterns. */
export class ZpatternsError extends Error {
  override readonly name = 'ZpatternsError';
  /** The kind: `'Timeout'`, `'AddressInUse'`, ... */
  readonly code: ErrorCode;
  /** The stable number of the kind, at least 1. */
  readonly number: number;
  /** Whether the same call may succeed later without a change by the caller. */
  readonly retryable: boolean;
  /** Named facts, such as the endpoint. */
  readonly context: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, context: Record<string, string> = {}, options?: ErrorOptions) {
    super(message, options);
    const kind = kinds.get(code);
    this.code = code;
    this.number = kind?.number ?? 0;
    this.retryable = kind?.retryable ?? false;
    this.context = context;
  }
}

/**
 * What the addon threw, as ours. An error without a kind comes from a value that could not be converted.
 * @internal
 */
export function converted(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown instanceof ZpatternsError) return thrown;
  const { code, context } = thrown as Error & { code?: string; context?: Record<string, string> };
  if (code === undefined) return thrown;
  return new ZpatternsError(kinds.has(code) ? (code as ErrorCode) : 'InvalidArgument', thrown.message, context);
}

/** The kind with this number. @internal */
export function codeOf(number: number): ErrorCode {
  return codes.get(number) ?? 'System';
}

/**
 * Calls the addon.
 * @internal
 */
export function call<T>(operation: () => T): T {
  try {
    return operation();
  } catch (thrown) {
    throw converted(thrown);
  }
}

/** @internal */
export function closed(what: string): ZpatternsError {
  return new ZpatternsError('Closed', `the ${what} is closed`);
}

/** @internal */
export function invalid(message: string, context?: Record<string, string>): ZpatternsError {
  return new ZpatternsError('InvalidArgument', message, context);
}
