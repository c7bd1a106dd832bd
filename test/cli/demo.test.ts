import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openScene, type Scene, top } from './support.ts';

let scene: Scene;
beforeEach(() => {
  scene = openScene();
});
afterEach(() => scene.close());

// Its first scene comes after 5 s.
test('the demo shows its three servers up, and ends by itself', async () => {
  const demo = scene.start([process.execPath, join(top, 'config/demo.mjs'), '--seconds', '8']);
  const { ending, stdout, stderr } = await demo.outcome;
  expect({ ending, stderr }).toEqual({ ending: 0, stderr: '' });
  for (const host of [11, 12, 13]) {
    const server = `127.0.0.${host}:18080`;
    expect(await demo.event({ 'event.action': 'server_up', 'lvs.server': server })).toBeDefined();
    expect(stdout).toMatch(new RegExp(`^  -> ${server} +nat .* up +L7OK status 200`, 'm'));
  }
  expect(stdout).toContain('demo  TCP 127.0.0.10:18080  wlc  3/3  up\n');
  expect(demo.log.at(-1)).toMatchObject({ 'event.action': 'agent_stopped' });
});
