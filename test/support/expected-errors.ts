/**
 * Errors that workerd prints for faults that tests cause on purpose. It does not say which test was running, so each
 * text is listed here with its cause. All other output is shown.
 */
const EXPECTED: readonly string[] = [
  // The pool aborts all objects between files.
  "Application called abortAllDurableObjects()",
  // From `crash` of test/support/harness.ts, and from the inspector.
  "jsg.Error: crashed by the test",
  "jsg.Error: An operator evicted this object",
  // From handlers that throw when nobody waits for them: test/state/tree.test.ts.
  "Error: too much",
  // Some tests ask for hosts that do not exist. workerd reports each failure three times.
  "failed to lookup address information",
  "Error: internal error; reference =",
  // The clock of objects under test is ahead of the runtime's.
  "NOSENTRY SQLite alarm",
];

/** Whether this is one of the expected errors. */
function isExpected(text: string): boolean {
  return /^(uncaught )?exception[ ;]|^e = |^NOSENTRY /.test(text) && EXPECTED.some((part) => text.includes(part));
}

/** Removes expected errors from the output of this process, and prints their number at the end. */
export function hideExpectedErrors(own: NodeJS.Process = process): void {
  const { stdout, stderr, env } = own;
  if (env["WORKERD_ERRORS"] === "all") return;
  let hidden = 0;
  for (const stream of [stdout, stderr]) {
    const write = stream.write.bind(stream) as (...written: unknown[]) => boolean;
    stream.write = (...written: unknown[]) => {
      if (typeof written[0] !== "string" || !isExpected(written[0])) return write(...written);
      hidden++;
      return true;
    };
  }
  own.once("exit", () => {
    if (hidden > 0)
      stdout.write(`${hidden} errors of workerd that tests cause are left out. WORKERD_ERRORS=all shows them\n`);
  });
}
