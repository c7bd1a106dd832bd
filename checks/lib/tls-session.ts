import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

/** How long the certificates of a handshake may go without being shown again. */
const longestReuseMs = 10 * 60_000;

/**
 * A session that later handshakes with the same server resume. The server shows no certificate then, and Node does not look
 * at the name: so what is kept is of handshakes that were found good alone, and ends with a certificate of theirs, if not before.
 */
export class TlsSession {
  #bytes: Buffer | undefined;
  /** By `performance.now()`. */
  #endMs = 0;

  /** What the next handshake may resume. */
  get resumable(): Buffer | undefined {
    return performance.now() < this.#endMs ? this.#bytes : undefined;
  }

  /** Follows a handshake; what it returns is to be called when that was found good. */
  follow(socket: TLSSocket): () => void {
    let isGood = false;
    let last: Buffer | undefined;
    const keep = () => {
      if (isGood && last !== undefined) this.#bytes = last;
    };
    // With TLS 1.2 it comes before the handshake is over, with TLS 1.3 after it, and more than once.
    socket.on('session', (bytes) => {
      last = bytes;
      keep();
    });
    return () => {
      isGood = true;
      if (!socket.isSessionReused()) this.#begin(socket.getPeerCertificate(true));
      keep();
    };
  }

  forget(): void {
    this.#bytes = undefined;
    this.#endMs = 0;
  }

  #begin(certificate: DetailedPeerCertificate): void {
    this.#bytes = undefined;
    this.#endMs = performance.now() + Math.min(longestReuseMs, validUntilMs(certificate) - Date.now());
  }
}

/** Wall clock, ms since the epoch: when the first certificate of the chain ends. */
function validUntilMs(leaf: DetailedPeerCertificate): number {
  let untilMs = Number.POSITIVE_INFINITY;
  let certificate: DetailedPeerCertificate | undefined = leaf;
  while (certificate !== undefined) {
    untilMs = Math.min(untilMs, Date.parse(certificate.valid_to));
    // The last one names itself.
    const issuer: DetailedPeerCertificate | undefined = certificate.issuerCertificate;
    certificate = issuer === certificate ? undefined : issuer;
  }
  return untilMs;
}
