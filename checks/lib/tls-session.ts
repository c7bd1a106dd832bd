import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

/** How long the certificates of a handshake may go without being shown again. */
const longestReuseMs = 10 * 60_000;

/**
 * A session that later handshakes with the same server resume. The server shows no certificate then, and Node does not look
 * at the name: so what is kept is of handshakes that were found good alone, and ends with a certificate of theirs, if not before.
 */
export class TlsSession {
  readonly #verify: boolean;
  #bytes: Buffer | undefined;
  /** By `performance.now()`. */
  #endMs = 0;
  /** Until then, none is kept. */
  #restMs = 0;

  /** `verify`: whether certificates count at all. */
  constructor(verify: boolean) {
    this.#verify = verify;
  }

  /** What the next handshake may resume. */
  get resumable(): Buffer | undefined {
    return performance.now() < this.#endMs ? this.#bytes : undefined;
  }

  /** Follows a handshake from its beginning. */
  follow(socket: TLSSocket): void {
    let isGood = false;
    socket.once('secureConnect', () => {
      isGood = true;
      if (!socket.isSessionReused()) this.#begin(socket.getPeerCertificate(true));
    });
    // With TLS 1.3 it comes more than once.
    socket.on('session', (bytes) => {
      if (isGood && performance.now() >= this.#restMs) this.#bytes = bytes;
    });
  }

  /** Forgets the session, and has whole handshakes for a while: the server could not resume it. */
  distrust(): void {
    this.#bytes = undefined;
    this.#restMs = performance.now() + longestReuseMs;
  }

  #begin(certificate: DetailedPeerCertificate): void {
    this.#bytes = undefined;
    const leftMs = this.#verify ? validUntilMs(certificate) - Date.now() : longestReuseMs;
    this.#endMs = performance.now() + Math.min(longestReuseMs, leftMs);
  }
}

/** Wall clock, ms since the epoch: when the first certificate of the chain ends; 0 where one does not say. */
function validUntilMs(leaf: DetailedPeerCertificate): number {
  let untilMs = Number.POSITIVE_INFINITY;
  let certificate: DetailedPeerCertificate | undefined = leaf;
  while (certificate !== undefined) {
    untilMs = Math.min(untilMs, Date.parse(certificate.valid_to) || 0);
    // The last one names itself.
    const issuer: DetailedPeerCertificate | undefined = certificate.issuerCertificate;
    certificate = issuer === certificate ? undefined : issuer;
  }
  return untilMs;
}
