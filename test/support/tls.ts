import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate and its key, in PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** Path of the authority's certificate. */
  readonly path: string;
  readonly cert: string;
  /** A certificate for these names, such as `DNS:www.example.org` or `IP:127.0.0.1`; expired when `days` is negative. */
  issue(names: readonly string[], days?: number): KeyPair;
  /** One that vouches for itself. */
  selfSigned(names: readonly string[]): KeyPair;
  remove(): void;
}

/** An authority of its own, made by `openssl` in a temporary directory. */
export function createAuthority(): Authority {
  const directory = mkdtempSync(join(tmpdir(), 'authority-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout'];
  const altNames = (names: readonly string[]) => ['-addext', `subjectAltName=${names.join(',')}`];
  openssl('req', '-x509', ...newKey, 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Authority of the tests');
  return {
    path: join(directory, 'ca.pem'),
    cert: read('ca.pem'),
    issue(names, days = 2) {
      openssl('req', ...newKey, 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=leaf', ...altNames(names));
      const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-copy_extensions', 'copy', '-days', String(days)];
      openssl('x509', '-req', '-in', 'leaf.csr', ...signing, '-out', 'leaf.pem');
      return { cert: read('leaf.pem'), key: read('leaf.key') };
    },
    selfSigned(names) {
      openssl('req', '-x509', ...newKey, 'self.key', '-out', 'self.pem', '-subj', '/CN=self', ...altNames(names));
      return { cert: read('self.pem'), key: read('self.key') };
    },
    remove: () => rmSync(directory, { recursive: true }),
  };
}
