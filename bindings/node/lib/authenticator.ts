/** Who may connect to the server sockets (`plainServer`, `curveServer`) of a context. */
import { native } from './addon';
import { type Context, defaultContext } from './context';
import { call } from './errors';

/** Decisions so far. */
export interface AuthStats {
  /** Peers let in. */
  allowed: number;
  /** Refused: the address is denied, or not among those allowed. */
  deniedAddress: number;
  /** Refused: no such user, or another password. */
  deniedUser: number;
  /** Refused: the key is not among those allowed. */
  deniedKey: number;
  /** Refused: the request made no sense. */
  deniedMalformed: number;
}

/** The authenticator of a context. It refuses everybody until told otherwise, and serves until it is closed. */
export class Authenticator implements Disposable {
  readonly #native: InstanceType<typeof native.Authenticator>;

  /** Starts. `AddressInUse` if the context has one. */
  constructor(context: Context = defaultContext()) {
    this.#native = call(() => new native.Authenticator(context.native));
  }

  /** Lets peers from this address in, as far as user or key allow. With one allowed, all others are refused. */
  allowAddress(address: string): void {
    call(() => this.#native.allowAddress(address));
  }

  /** Refuses peers from this address, whatever else is allowed. */
  denyAddress(address: string): void {
    call(() => this.#native.denyAddress(address));
  }

  /** Lets a PLAIN user with this password in; replaces an earlier password. */
  allowUser(name: string, password: string): void {
    call(() => this.#native.allowUser(name, password));
  }

  /** Refuses this user from now on; connections that exist stay. */
  removeUser(name: string): void {
    call(() => this.#native.removeUser(name));
  }

  /** Lets the CURVE client with this public key in: 40 characters of Z85. */
  allowKey(publicKey: string): void {
    call(() => this.#native.allowKey(publicKey));
  }

  /** Refuses this key from now on; connections that exist stay. */
  removeKey(publicKey: string): void {
    call(() => this.#native.removeKey(publicKey));
  }

  /** Lets every CURVE client in: encryption without authentication. */
  allowAnyKey(): void {
    call(() => this.#native.allowAnyKey());
  }

  /** Decisions so far. */
  stats(): AuthStats {
    return call(() => this.#native.stats()) as Record<keyof AuthStats, number>;
  }

  /** Stops. From now on nobody new gets into a server socket of the context. */
  close(): void {
    this.#native.close();
  }

  /** As {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
