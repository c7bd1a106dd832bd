import { execFileSync } from 'node:child_process';
import { createIpvsKernel } from '../../src/kernel/ipvs.ts';
import { kernelContract } from '../contract/kernel.ts';

kernelContract('the running kernel', async () => {
  execFileSync('ipvsadm', ['-C']);
  return createIpvsKernel();
});
