/** What this build is and can do, and CURVE key pairs. */
import { native } from './addon';
import { call } from './errors';

/** Versions and capabilities of a build. */
export interface Info {
  /** Version of zpatterns. */
  version: string;
  /** Version of the libzmq that is compiled in. */
  libzmq: string;
  /** Whether connections can be encrypted and authenticated with CURVE. */
  curve: boolean;
  /** Transports that a socket can bind to, in alphabetical order. */
  transports: string[];
}

/** Asks the build. Each transport is tried by binding. */
export function info(): Info {
  return call(() => native.info());
}

/** A CURVE key pair, both halves 40 characters of Z85. */
export interface CurveKeyPair {
  /** To give away. */
  publicKey: string;
  /** To keep. */
  secretKey: string;
}

/** A new key pair, or the one that belongs to a secret key; `InvalidArgument` if that is malformed. */
export function curveKeyPair(secretKey?: string): CurveKeyPair {
  return call(() => native.curveKeyPair(secretKey));
}
