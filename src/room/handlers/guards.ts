import type { Awaitable, GuardContext, GuardFor } from "../../define/types.ts";

/** What the guards said: true, false, or the answer that one of them gave. */
export type Verdict = boolean | Response;

/** Asks guards in order, until one does not say true. Synchronous as long as they are. */
export function passes(
  guards: readonly GuardFor<object>[],
  context: GuardContext<object>,
  value: unknown,
  from = 0,
): Awaitable<Verdict> {
  for (let index = from; index < guards.length; index++) {
    const verdict = (guards[index] as GuardFor<object>)(context, value);
    if (verdict === true) continue;
    if (!(verdict instanceof Promise)) return verdict;
    return verdict.then((settled) => (settled === true ? passes(guards, context, value, index + 1) : settled));
  }
  return true;
}
