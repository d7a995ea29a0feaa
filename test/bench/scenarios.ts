import type { VariantName } from "./variants.ts";

interface Common {
  readonly title: string;
  readonly variants: readonly VariantName[];
  /** What all are compared with, where it is not each one's own baseline. */
  readonly baseline?: VariantName;
}
/** Clients act for a while. */
interface Run extends Common {
  readonly kind: "run";
  readonly clients: number;
  readonly action?: string;
  readonly rate?: number;
  readonly inFlight?: number;
  /** Players that only stand there. */
  readonly seed?: number;
}
/** Clients join at once. */
interface Join extends Common {
  readonly kind: "join";
  readonly clients: number;
}
/** Rooms that slept handle one action. */
interface Wake extends Common {
  readonly kind: "wake";
  readonly clients: number;
  readonly seed: number;
  /** Rooms of each variant: the first one finds code that was not run for a while, so the median of several counts. */
  readonly rooms: number;
}
export type Scenario = Run | Join | Wake;

const EVERYONE = ["a", "a50", "b0", "bauto", "b50", "c", "c50", "d", "e"] as const;

const ALL = {
  s2: {
    title: "100 clients, 5 moves a second each",
    kind: "run",
    clients: 100,
    rate: 5,
    variants: EVERYONE,
  },
  s3: {
    title: "300 clients, 1 move a second each",
    kind: "run",
    clients: 300,
    rate: 1,
    variants: EVERYONE,
  },
  s4: {
    title: "saturation: 20 clients, each moves when it sees its last move",
    kind: "run",
    clients: 20,
    inFlight: 1,
    variants: ["a", "b0", "bauto", "c", "d"],
  },
  join: {
    title: "500 clients join at once, until all are ready",
    kind: "join",
    baseline: "a50",
    clients: 500,
    variants: EVERYONE,
  },
  wake: {
    title: "the first move in a room with 5,000 stored players and 20 clients, which slept",
    kind: "wake",
    clients: 20,
    seed: 5000,
    rooms: 3,
    variants: ["a", "bauto", "c", "d"],
  },
} as const satisfies Record<string, Scenario>;
export type ScenarioName = keyof typeof ALL;
export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = ALL;
