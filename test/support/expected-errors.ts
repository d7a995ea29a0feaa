/**
 * What workerd writes about faults that tests cause on purpose. It does not say which test was running, so each text is
 * listed here with what causes it. All else that it writes is shown.
 */
const EXPECTED: readonly string[] = [
  // The pool ends all objects between files.
  "Application called abortAllDurableObjects()",
  // `crash` of test/support/harness.ts, and the inspector.
  "jsg.Error: crashed by the test",
  "jsg.Error: An operator evicted this object",
  // Handlers that throw where nobody waits for them: test/state/tree.test.ts.
  "Error: too much",
  // Tests ask for hosts that do not exist. workerd reports it three times.
  "failed to lookup address information",
  "Error: internal error; reference =",
  // The clock of objects under test is ahead of the runtime's.
  "NOSENTRY SQLite alarm",
];

/** Whether something is what workerd writes of a fault that tests cause on purpose. */
function isExpected(text: string): boolean {
  return /^(uncaught )?exception[ ;]|^e = |^NOSENTRY /.test(text) && EXPECTED.some((part) => text.includes(part));
}

/** Leaves out what is expected of what this process writes, and says in the end how much that was. */
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
