import { expect, test } from '@jest/globals';
import { applyOps } from '../../src/core/apply.ts';
import { KernelUnavailable } from '../../src/kernel/kernel.ts';
import { createMemoryKernel } from '../../src/kernel/memory.ts';
import { addServer, addService, server, service, withoutCounters } from '../contract/kernel.ts';

test('a memory kernel starts with the table that it is given, and leaves that alone', async () => {
  const initial = applyOps(new Map(), [addService(service())]);
  const kernel = createMemoryKernel(initial);
  await kernel.apply([addServer(service(), server())]);
  expect(withoutCounters(await kernel.read())).toEqual(applyOps(initial, [addServer(service(), server())]));
  expect(initial).toEqual(applyOps(new Map(), [addService(service())]));
});

test('somebody else changes the table by setting it', async () => {
  const kernel = createMemoryKernel(applyOps(new Map(), [addService(service())]));
  kernel.table = new Map();
  expect(await kernel.read()).toEqual(new Map());
});

test('while a failure is set every call rejects with it, and changes nothing', async () => {
  const kernel = createMemoryKernel();
  const failure = new KernelUnavailable('ENOENT', 'gone');
  kernel.failure = failure;
  await expect(kernel.read()).rejects.toBe(failure);
  await expect(kernel.apply([addService(service())])).rejects.toBe(failure);
  kernel.failure = undefined;
  expect(await kernel.read()).toEqual(new Map());
});
