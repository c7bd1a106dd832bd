/** `count` servers at consecutive addresses from `base`, such as 10.1, on. */
export function serversAt(base, count) {
  return Array.from({ length: count }, (_, i) => ({ address: `${base}.${(i + 1) >> 8}.${(i + 1) & 255}`, weight: 1 }));
}

/** One service for all servers. */
export function oneService(servers) {
  return [{ address: '192.0.2.1', port: 80, servers }];
}

/** A hundred servers a service. */
export function servicesOfHundred(servers) {
  return Array.from({ length: servers.length / 100 }, (_, i) => ({
    address: `192.0.2.${i + 1}`,
    port: 80,
    servers: servers.slice(i * 100, (i + 1) * 100),
  }));
}

/** As `services`, the first server of the first one with another weight. */
export function withWeight(
  [
    {
      servers: [server, ...servers],
      ...first
    },
    ...services
  ],
  weight,
) {
  return [{ ...first, servers: [{ ...server, weight }, ...servers] }, ...services];
}
