import { expect, it } from "vitest";
import { hideExpectedErrors } from "./expected-errors.ts";

const CRASHED =
  "exception = workerd/api/actor-state.c++:1249: failed: broken.outputGateBroken; jsg.Error: crashed by the test";

function run(env: Record<string, string>, texts: readonly string[]) {
  const shown: string[] = [];
  const stream = () => ({ write: (text: string) => shown.push(text) > 0 });
  let exit = () => {};
  const own = { stdout: stream(), stderr: stream(), env, once: (_: string, listener: () => void) => (exit = listener) };
  hideExpectedErrors(own as unknown as NodeJS.Process);
  for (const text of texts) own.stdout.write(text);
  own.stderr.write(texts[0] as string);
  exit();
  return shown;
}

it("leaves out what workerd writes about faults that tests cause, and shows everything else", () => {
  const others = [
    "uncaught exception; source = Uncaught; stack = TypeError: x is not a function\n",
    'AssertionError: expected "jsg.Error: crashed by the test" to be "ok"\n',
    "✓ is crashed by the test\n",
  ];
  const found = run({}, [`uncaught exception; ${CRASHED}\n`, ...others]);
  expect(found).toEqual([...others, expect.stringMatching(/^2 errors of workerd/)]);
  expect(run({}, others.slice(1))).toEqual([...others.slice(1), others[1]]);
});

it("shows everything on request", () => {
  expect(run({ WORKERD_ERRORS: "all" }, [CRASHED])).toEqual([CRASHED, CRASHED]);
});
