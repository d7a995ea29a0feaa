// Prints how many tests ran, over all the reports of vitest that it is given. None at all is a failure.
import { readFileSync } from "node:fs";

const reports = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, "utf8")));
const sum = (name) => reports.reduce((total, report) => total + report[name], 0);
const passed = sum("numPassedTests");
const failed = sum("numFailedTests");
console.log(`${passed} passed, ${failed} failed, ${sum("numPendingTests")} skipped`);
if (passed === 0 || failed > 0) process.exitCode = 1;
