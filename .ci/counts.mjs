// Prints how many tests ran, according to the given reports of vitest. Fails if none ran.
import { readFileSync } from "node:fs";

const reports = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, "utf8")));
const sum = (name) => reports.reduce((total, report) => total + report[name], 0);
const passed = sum("numPassedTests");
const failed = sum("numFailedTests");
console.log(`${passed} passed, ${failed} failed, ${sum("numPendingTests")} skipped`);
if (passed === 0 || failed > 0) process.exitCode = 1;
