import { makeCertificate } from '../support/certificate.mjs';
import { costOnce } from '../support/cpu.mjs';
import { interleave } from '../support/interleave.mjs';
import { nativeSetting, startUp } from '../support/native.mjs';
import { startTlsServers } from '../support/servers.mjs';
import { sleep } from '../support/shell.mjs';

const name = 'www.example.org';
const timing = { intervalMs: 1000, timeoutMs: 1000, retryMs: 1000, fall: 2 };
const settleMs = 8000;

export const tls = {
  name: 'tls',
  where: 'native',
  title: 'A probe by HTTPS, two hundred a second',
  method: `Each server is asked for a page of two bytes once a second, by TLS 1.3 with a certificate of ECDSA that is verified: with a whole handshake, with one that resumes a session (\`tls: { session: reuse }\`), and on a connection that is kept. Each sample is of a process of its own that has probed for ${settleMs / 1000} s; they take turns, three times. No peer is asked.`,

  async measure(columns) {
    const files = makeCertificate(name);
    const servers = await startTlsServers(files);
    const measure = (connection, session) => measureTls(servers, files.certificate, connection, session);
    await interleave(columns, {
      'whole handshakes': () => measure('fresh', 'fresh'),
      'resumed sessions': () => measure('fresh', 'reuse'),
      'kept connections': () => measure('reuse', 'fresh'),
    });
    await servers.kill();
  },
};

async function measureTls(servers, certificate, connection, session) {
  const setting = nativeSetting(200, { type: 'http', ...timing });
  const check = { connection, tls: { server_name: name, ca: certificate, session } };
  const running = await startUp({ ...setting, lvsd: { ...setting.lvsd, check } });
  await sleep(settleMs);
  const { cpuMicros, rate } = await costOnce(running.checker(), async () => (await servers.counts()).requests);
  await running.stop();
  return { 'CPU a probe, µs': cpuMicros, 'probes a second': rate };
}
