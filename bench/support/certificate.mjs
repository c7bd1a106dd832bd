import { execFileSync } from 'node:child_process';
import { folder } from './shell.mjs';

/** Makes a certificate for a name, and its key, with openssl: `{ key, certificate }` are their files. */
export function makeCertificate(name) {
  const [key, certificate] = [`${folder}/tls.key`, `${folder}/tls.pem`];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const named = ['-subj', '/CN=bench', '-addext', `subjectAltName=DNS:${name}`];
  execFileSync('openssl', [...made, '-keyout', key, '-out', certificate, ...named], { stdio: 'pipe' });
  return { key, certificate };
}
