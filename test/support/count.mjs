// Prints `N passed, N failed, N skipped` of a report by jest: `node count.mjs REPORT`. Status 1: some failed, or none passed.
import { existsSync, readFileSync } from 'node:fs';

const [path] = process.argv.slice(2);
// Jest that did not come to its end has failed.
const report = existsSync(path)
  ? JSON.parse(readFileSync(path, 'utf8'))
  : { numPassedTests: 0, numFailedTests: 1, numRuntimeErrorTestSuites: 0, numPendingTests: 0 };
const { numPassedTests: passed, numPendingTests: skipped } = report;
const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
