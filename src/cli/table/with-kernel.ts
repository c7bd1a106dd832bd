import { createIpvsKernel, type IpvsKernel } from '../../kernel/ipvs.ts';

/** Gives `work` the running kernel, and closes it afterwards. */
export async function withKernel<T>(work: (kernel: IpvsKernel) => Promise<T>): Promise<T> {
  const kernel = createIpvsKernel();
  try {
    return await work(kernel);
  } finally {
    await kernel.close();
  }
}
