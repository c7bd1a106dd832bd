const { jest } = require('../../package.json');

/** The tests that want a kernel of their own: run inside the guest by test/kernel/run. */
module.exports = {
  ...jest,
  rootDir: '../..',
  roots: ['<rootDir>/test/kernel'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 180_000,
  watchman: false,
};
