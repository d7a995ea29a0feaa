import { promiseOf } from "../../protocol/values.ts";
import type { Awaitable, Guard, GuardContext } from "../../define/types.ts";

/** The decision of guards: true, false, or a response. */
export type Verdict = boolean | Response;

/** Runs guards in order until one does not return true. Returns a promise only if a guard does. */
export function passes(
  guards: readonly Guard<object>[],
  context: GuardContext<object>,
  value: unknown,
  from = 0,
): Awaitable<Verdict> {
  for (let index = from; index < guards.length; index++) {
    const verdict = (guards[index] as Guard<object>)(context, value);
    if (verdict === true) continue;
    const pending = promiseOf(verdict);
    if (!pending) return verdict;
    return pending.then((settled) => (settled === true ? passes(guards, context, value, index + 1) : settled));
  }
  return true;
}
