import { execFileSync } from 'node:child_process';
import { costOnce } from '../support/cpu.mjs';
import { interleave } from '../support/interleave.mjs';
import { nativeSetting, startUp } from '../support/native.mjs';
import { startTlsServers } from '../support/servers.mjs';
import { folder, sleep } from '../support/shell.mjs';

const [key, certificate] = [`${folder}/tls.key`, `${folder}/tls.pem`];
const name = 'www.example.org';
const timing = { intervalMs: 1000, timeoutMs: 1000, retryMs: 1000, fall: 2 };
const settleMs = 8000;

export const tls = {
  name: 'tls',
  where: 'native',
  title: 'A probe by HTTPS, two hundred a second',
  method: `Each server is asked for a page of two bytes once a second, by TLS 1.3 with a certificate of ECDSA that is verified: with a whole handshake, with one that resumes a session (\`tls: { session: reuse }\`), and on a connection that is kept. Each sample is of a process of its own that has probed for ${settleMs / 1000} s; they take turns, three times. No peer is asked.`,

  async measure(columns) {
    makeCertificate();
    const servers = await startTlsServers(key, certificate);
    await interleave(columns, {
      'whole handshakes': () => measureTls(servers, 'fresh', 'fresh'),
      'resumed sessions': () => measureTls(servers, 'fresh', 'reuse'),
      'kept connections': () => measureTls(servers, 'reuse', 'fresh'),
    });
    await servers.kill();
  },
};

async function measureTls(servers, connection, session) {
  const setting = nativeSetting(200, { type: 'http', ...timing });
  const check = { connection, tls: { server_name: name, ca: certificate, session } };
  const running = await startUp({ ...setting, lvsd: { ...setting.lvsd, check } });
  await sleep(settleMs);
  const { cpuMicros, rate } = await costOnce(running.checker(), async () => (await servers.counts()).requests);
  await running.stop();
  return { 'CPU a probe, µs': cpuMicros, 'probes a second': rate };
}

function makeCertificate() {
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const named = ['-subj', '/CN=bench', '-addext', `subjectAltName=DNS:${name}`];
  execFileSync('openssl', [...made, '-keyout', key, '-out', certificate, ...named], { stdio: 'pipe' });
}
