const { jest } = require('../../package.json');

/** The tests that want a kernel of their own: run inside the guest by test/kernel/run. */
module.exports = {
  ...jest,
  rootDir: '../..',
  roots: ['<rootDir>/test/kernel'],
  testPathIgnorePatterns: ['/node_modules/'],
  // So long only a test that fails takes, on a machine that is busy: each start of Node takes its time in emulation.
  testTimeout: 600_000,
  watchman: false,
};
