import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { z } from '../../src/config/fields.ts';
import { explain } from './fault.ts';

const beginMark = '-----BEGIN CERTIFICATE-----';

/** A whole bundle of public authorities is a quarter of this. */
const largestBytes = 1024 * 1024;

/**
 * Certificates of authorities: the path of a PEM file, or PEM itself; the PEM text once parsed. The file is read with
 * the configuration, so that a missing one is a mistake of the configuration and a reload notices a changed one.
 */
export const certificates = z.string().transform((value, context) => {
  const read = value.includes(beginMark) ? { pem: value } : readPem(value);
  const problem = 'problem' in read ? read.problem : problemOf(read.pem);
  if (problem === undefined && 'pem' in read) return read.pem;
  context.addIssue({ code: 'custom', message: `cannot read certificates from ${nameOf(value)}: ${problem}` });
  return z.NEVER;
});

function readPem(path: string): { pem: string } | { problem: string } {
  try {
    const status = statSync(path);
    // To read a pipe or a device could take for ever.
    if (!status.isFile()) return { problem: 'not a regular file' };
    if (status.size > largestBytes) return { problem: `${status.size} bytes, more than ${largestBytes}` };
    return { pem: readFileSync(path, 'utf8') };
  } catch (error) {
    return { problem: explain(error) };
  }
}

function problemOf(pem: string): string | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  if (blocks === null) return 'no PEM certificate in it';
  return blocks.every(isCertificate) ? undefined : 'a certificate in it is malformed';
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).subject !== undefined;
  } catch {
    return false;
  }
}

function nameOf(value: string): string {
  return value.includes(beginMark) ? 'PEM text' : `'${value}'`;
}
