import { describe, expect, test } from '@jest/globals';
import { nearest } from '../../src/config/nearest.ts';

const keys = [
  'name',
  'address',
  'weight',
  'servers',
  'scheduler',
  'fallback_servers',
  'retry_interval',
  'fall',
  'rise',
];

describe('the likely key', () => {
  test.each([
    ['wieght', 'weight'],
    ['weigth', 'weight'],
    ['Weight', 'weight'],
    ['adress', 'address'],
    ['server', 'servers'],
    ['schedular', 'scheduler'],
    ['fallbackServers', 'fallback_servers'],
    ['fallback-servers', 'fallback_servers'],
    ['retryInterval', 'retry_interval'],
    ['fal', 'fall'],
    ['rize', 'rise'],
  ])('of %s is %s', (word, key) => {
    expect(nearest(word, keys)).toBe(key);
  });

  test.each(['virtual_router_id', 'x', '', 'lb_algo', 'height_of_it', 'constructor'])('of %j is none', (word) => {
    expect(nearest(word, keys)).toBeUndefined();
  });
});
