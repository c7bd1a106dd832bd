import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';
import { familyOf } from '../core/address.ts';

/** An address of this machine, on an interface that is up. */
export interface InterfaceAddress {
  /** `eth0` */
  readonly device: string;
  readonly address: string;
  readonly prefixLength: number;
}

export function readInterfaces(): readonly InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([label, addresses = []]) =>
    addresses.map(({ address, cidr }) => ({
      // An address of IPv4 goes by its label, which may be that of an alias: `eth0:1`.
      device: label.replace(/:.*/, ''),
      address,
      prefixLength: Number(cidr?.split('/')[1]),
    })),
  );
}

/** The interfaces that have the address itself. */
export function holders(interfaces: readonly InterfaceAddress[], address: string): readonly string[] {
  return interfaces.filter((own) => own.address === address).map(({ device }) => device);
}

/** The interfaces whose neighbours take the address for one of their own link, and ask for it there. */
export function facing(interfaces: readonly InterfaceAddress[], address: string): readonly string[] {
  const near = interfaces.filter((own) => own.device !== 'lo' && own.address !== address && contains(own, address));
  return [...new Set(near.map(({ device }) => device))];
}

/** The interfaces of the network that the address is from; not those that merely keep it, as a dummy does. */
export function entrances(interfaces: readonly InterfaceAddress[], address: string): readonly string[] {
  const own = interfaces.filter((one) => one.address === address && one.device !== 'lo' && one.prefixLength < 32);
  return [...new Set([...own.map(({ device }) => device), ...facing(interfaces, address)])];
}

function contains({ address, prefixLength }: InterfaceAddress, other: string): boolean {
  const network = new BlockList();
  network.addSubnet(address, prefixLength, familyOf(address));
  return network.check(other, familyOf(other));
}
