import { createMemoryKernel } from '../../src/kernel/memory.ts';
import { kernelContract } from './kernel.ts';

kernelContract('the memory kernel', async () => createMemoryKernel());
