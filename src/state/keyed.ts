import { Crowd } from "./crowd.ts";
import type { KeyedVisibility } from "./field.ts";
import { Interest } from "./interest.ts";
import type { KeyRules } from "./key-rules.ts";
import { seesIn } from "./sees-in.ts";
import { provideSights } from "./sight-parts.ts";
import { ToldSights } from "./told-sights.ts";

// Shards of the service need this code too, and do not know the definitions of its rooms.
provideSights({ ToldSights });

/**
 * Makes keyed visibility. Without an index, keys are compared for each viewer and entry.
 * @param options what it is made of. Each entry may have its own functions: those with the same code count as the same
 */
export function keyed(rules: KeyRules, options: unknown): KeyedVisibility {
  const index = rules.createIndex();
  return {
    rules,
    toString: () =>
      JSON.stringify(options, (_, value: unknown) => (typeof value === "function" ? String(value) : value)),
    Interest,
    Crowd,
    condition: (entry, owner) => (viewer) => {
      if (!entry) return false;
      if (rules.seesOwn && owner === viewer.publicId) return true;
      return seesIn(index, viewer, index.placeOf(entry, owner, undefined).value);
    },
  };
}
