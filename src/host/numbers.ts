/** Constants of rtnetlink: <linux/rtnetlink.h>, <linux/if_link.h>, <linux/if_addr.h>, <linux/if.h>. */

export const families = { ipv4: 2, ipv6: 10 } as const;

/** RTM_* */
export const message = {
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
  newRoute: 24,
  deleteRoute: 25,
  getRoute: 26,
} as const;

/** IFLA_* */
export const link = { address: 1, name: 3, info: 18, extMask: 29 } as const;
/** IFLA_INFO_* */
export const linkInfo = { kind: 1, data: 2 } as const;
/** IFLA_IPTUN_PROTO, the same in all three kinds of tunnel. 0: any protocol inside. */
export const tunnel = { protocol: 9 } as const;
/** RTEXT_FILTER_SKIP_STATS: half of what a link's answer would be. */
export const skipStatistics = 8;
/** IFF_* */
export const linkFlag = { up: 0x1, loopback: 0x8, noArp: 0x80 } as const;

/** IFA_* */
export const address = { address: 1, local: 2, cacheInfo: 6, flags: 8 } as const;
/** IFA_F_NODAD */
export const noDuplicateDetection = 0x2;
/** INFINITY_LIFE_TIME of the kernel's net/addrconf.h */
export const foreverSeconds = 0xffffffff;

/** RTA_* */
export const route = { destination: 1, outLink: 4, gateway: 5, multipath: 9, via: 18 } as const;
/** RT_TABLE_LOCAL, RTPROT_STATIC and RTPROT_RA, RT_SCOPE_HOST, RTN_UNICAST and RTN_LOCAL */
export const localTable = 255;
export const routeOrigin = { static: 4, routerAdvertisement: 9 } as const;
export const hostScope = 254;
export const unicastType = 1;
export const localType = 2;
/** RTM_F_FIB_MATCH: the row of the table that matches, not a route made from it. Ignored before Linux 4.13. */
export const matchedRow = 0x2000;
