// Loaded into lvsd before itself: its checks use what Node has, as they do without the package koffi.
const { preferNode } = await import(`${process.env.LVSD_ROOT}/dist/src/net/engine.js`);
preferNode(true);
