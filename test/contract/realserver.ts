import { describe, expect, test } from '@jest/globals';
import { dump, killAtEachStep, lvsdOn } from '../kernel/support/host.ts';
import type { Host } from '../kernel/support/netns.ts';

interface Found {
  readonly host: Host;
  /** Its dump before any of this. */
  readonly asFound: string;
}

const vip = '172.16.100.100';
const vip6 = '2001:db8:100::100';
const realserver = (host: Host, verb: string, ...args: readonly string[]) =>
  lvsdOn(host, ['realserver', verb, ...args]);

/** The devices that modules bring are there before `up`, which sets what is missing. */
const withoutDevices = (findings: string) => findings.replaceAll(/^set +tunnel .*\n/gm, '');

/** What `realserver` does by each method. By tun it wants a kernel with tunnels. The caller runs down after each test. */
export function realserverContract(method: 'dr' | 'tun', minSteps: number, found: () => Found): void {
  describe(`by ${method}`, () => {
    const args = ['--vip', vip, vip6, '198.51.100.0/24', '--method', method];

    test('up and down leave links, addresses, routes and sysctls as they were found', () => {
      const { host, asFound } = found();
      const before = realserver(host, 'status', ...args);
      expect(before.status).toBe(3);
      expect(withoutDevices(before.stdout)).not.toMatch(/^set/m);
      const up = realserver(host, 'up', ...args);
      expect(up).toMatchObject({ status: 0, stderr: '' });
      expect(dump(host)).not.toBe(asFound);
      const status = realserver(host, 'status');
      expect(status).toMatchObject({ status: 0, stderr: '' });
      expect(withoutDevices(status.stdout)).toBe(up.stdout);
      expect(realserver(host, 'down')).toMatchObject({ status: 0, stderr: '' });
      expect(dump(host)).toBe(asFound);
    });

    test('up twice is up once', () => {
      const { host, asFound } = found();
      realserver(host, 'up', ...args);
      const once = dump(host);
      expect(realserver(host, 'up', ...args)).toEqual({ status: 0, stdout: '', stderr: '' });
      expect(dump(host)).toBe(once);
      realserver(host, 'down');
      expect(dump(host)).toBe(asFound);
    });

    test('killed at any step of up, down puts everything back', () => {
      const { host, asFound } = found();
      const steps = killAtEachStep(host, ['realserver', 'up', '--vip', vip, vip6, '--method', method], (changes) => {
        realserver(host, 'down');
        expect([changes, dump(host)]).toEqual([changes, asFound]);
      });
      expect(steps).toBeGreaterThanOrEqual(minSteps);
    }, 1_800_000);
  });
}
