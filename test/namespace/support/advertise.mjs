// A router's advertisement that makes its sender the default route: `node advertise.mjs LINK-LOCAL-ADDRESS INDEX`.
import { join } from 'node:path';

const top = process.env.LVSD_ROOT ?? join(import.meta.dirname, '../../..');
const { loadLibc } = await import(join(top, 'dist/src/net/libc.js'));
const { icmpv6Socket, ipv6Address, multicastHops } = await import(join(top, 'dist/src/host/frames.js'));

const [from, index] = process.argv.slice(2);
const libc = loadLibc();
const fd = libc.socket(...icmpv6Socket);
libc.setsockopt(fd, ...multicastHops);
libc.bind(fd, ipv6Address(from, Number(index)));
// Type 134, hop limit 64, lifetime 1800 s (RFC 4861, 4.2).
libc.sendto(fd, Buffer.from('86000000400007080000000000000000', 'hex'), ipv6Address('ff02::1', Number(index)));
libc.close(fd);
