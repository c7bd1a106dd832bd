import type { Traffic } from '../core/table.ts';
import { type Attributes, payloadOf, readNested } from './attribute.ts';
import * as ipvs from './numbers.ts';

/** What the kernel counted of a service or server. Throws `NetlinkError`. */
export function readTraffic(row: Attributes): Traffic {
  return readNumbers(statisticsOf(row), ipvs.counters);
}

/** The same for one second. Throws `NetlinkError`. */
export function readRates(row: Attributes): Traffic {
  return readNumbers(statisticsOf(row), ipvs.rates);
}

/** Kernels since 4.1 count in 64 bits; the older attribute wraps at 32. */
function statisticsOf(row: Attributes): Attributes {
  return readNested(row, row.has(ipvs.measured.stats64) ? ipvs.measured.stats64 : ipvs.measured.stats);
}

function readNumbers(statistics: Attributes, types: Record<keyof Traffic, number>): Traffic {
  return {
    connections: readNumber(statistics, types.connections),
    incomingPackets: readNumber(statistics, types.incomingPackets),
    outgoingPackets: readNumber(statistics, types.outgoingPackets),
    incomingBytes: readNumber(statistics, types.incomingBytes),
    outgoingBytes: readNumber(statistics, types.outgoingBytes),
  };
}

/** 32 or 64 bits, as the kernel sent it; exact up to 2^53. */
function readNumber(statistics: Attributes, type: number): number {
  const payload = payloadOf(statistics, type, 4);
  const low = payload.readUInt32LE(0);
  return payload.length < 8 ? low : payload.readUInt32LE(4) * 2 ** 32 + low;
}
