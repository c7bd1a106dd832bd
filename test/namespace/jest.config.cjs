const { jest } = require('../../package.json');

/** The tests that make hosts of network namespaces: run in namespaces of their own by test/namespace/run. */
module.exports = {
  ...jest,
  rootDir: '../..',
  roots: ['<rootDir>/test/namespace'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 180_000,
  watchman: false,
};
