import type { VariantName } from "./variants.ts";

interface Common {
  readonly title: string;
  readonly variants: readonly VariantName[];
  /** The variant that all others are compared with. By default each variant has its own baseline. */
  readonly baseline?: VariantName;
  /** Whether it is measured in the first round only, because the result does not vary. */
  readonly isOnce?: true;
}
/** Clients act for a while. */
interface Run extends Common {
  readonly kind: "run";
  readonly clients: number;
  readonly action?: "move" | "five";
  /** Actions per second of each client … */
  readonly rate?: number;
  /** … or the number of actions that each client keeps in flight. */
  readonly inFlight?: number;
  /** The number of players that only stand there. */
  readonly seed?: number;
  /** The width of the map on which they walk, if not all clients see all players. */
  readonly map?: number;
}
/** How many players a server holds: more and more of them walk on a map, until the server does not keep up. */
export interface Capacity extends Common {
  readonly kind: "capacity";
  readonly rate: number;
  /** How many players each of them sees. The map grows with their number, so that this stays the same. */
  readonly inSight: number;
  readonly ladder: readonly number[];
}
/** Clients join at once. */
interface Join extends Common {
  readonly kind: "join";
  readonly clients: number;
}
/** Sleeping rooms handle one event. */
interface Wake extends Common {
  readonly kind: "wake";
  readonly by: "move" | "join";
  readonly clients: number;
  readonly seed: number;
  /** Whether many players were moving when the room died, so that their changes are in the journal if there is one. */
  readonly isBusy?: true;
  /** The number of rooms per variant. The first one to wake runs cold code, so the result is the median of several. */
  readonly rooms: number;
}
/** Counts the rows that are written. */
interface Rows extends Common {
  readonly kind: "rows";
  readonly clients: number;
  readonly actions: number;
  readonly ms: number;
}
/** Counts what is billed while clients move. */
interface Cost extends Common {
  readonly kind: "cost";
  readonly clients: number;
  readonly rate: number;
  readonly ms: number;
}
export type Scenario = Run | Capacity | Join | Wake | Rows | Cost;

const EVERYONE = ["a", "a50", "b0", "bauto", "b50", "c", "c50", "d", "e"] as const;
const CROWDS = ["agrid", "bnear", "bnear50", "bnearshards", "eview"] as const;
const WITH_ENTRIES = { kind: "run", clients: 5, inFlight: 1, variants: ["a", "b0", "c"] } as const;
const ASLEEP = { kind: "wake", clients: 20, seed: 5000, rooms: 2 } as const;

const BILLED = { kind: "cost", rate: 10, ms: 20_000, isOnce: true, variants: ["a", "bauto", "c"] } as const;

const ALL = {
  s1: { title: "10 clients, 20 moves a second each", kind: "run", clients: 10, rate: 20, variants: EVERYONE },
  s2: { title: "100 clients, 5 moves a second each", kind: "run", clients: 100, rate: 5, variants: EVERYONE },
  s3: { title: "300 clients, 1 move a second each", kind: "run", clients: 300, rate: 1, variants: EVERYONE },
  s4: {
    title: "saturation: 20 clients, each moves when it sees its last move",
    kind: "run",
    clients: 20,
    inFlight: 1,
    variants: ["a", "b0", "bauto", "c", "d"],
  },
  s5: {
    title: "20 clients with 100 moves under way each, 50 ms",
    kind: "run",
    clients: 20,
    inFlight: 100,
    variants: ["a50", "b50", "b50batch", "bauto", "c50", "e"],
    baseline: "a50",
  },
  five: {
    title: "s4 with an action that sets five fields",
    kind: "run",
    clients: 20,
    inFlight: 1,
    action: "five",
    variants: ["a", "b0", "c", "d"],
  },
  state50: { title: "5 clients as in s4, in a state of 50 entries", seed: 50, ...WITH_ENTRIES },
  state5k: { title: "the same, 5,000 entries", seed: 5000, ...WITH_ENTRIES },
  // (c) takes minutes to send this many entries to its clients.
  state50k: { title: "the same, 50,000 entries", seed: 50_000, ...WITH_ENTRIES, variants: ["a", "b0"] },
  join: {
    title: "500 clients join at once, until all are ready",
    kind: "join",
    baseline: "a50",
    clients: 500,
    variants: EVERYONE,
  },
  wake: {
    title: "the first move in a room with 5,000 stored players and 20 clients, which slept",
    by: "move",
    // (c) does not answer, because its adapter forgets the name of a room that sleeps.
    variants: ["a", "bauto", "d"],
    ...ASLEEP,
  },
  wakejoin: { title: "the same, but one more client joins", by: "join", variants: ["a", "bauto", "c", "d"], ...ASLEEP },
  wakebusy: {
    title: "the first move in such a room, which died while so many players moved that its journal was full",
    by: "move",
    isBusy: true,
    ...ASLEEP,
    variants: ["a", "bauto"],
  },
  rows: {
    title: "rows written: for each of 20 who join, and for 1,000 moves of them in 5 s",
    kind: "rows",
    clients: 20,
    actions: 1000,
    ms: 5000,
    isOnce: true,
    variants: ["a", "a50", "bauto", "c", "c50", "d"],
  },
  cost10: { title: "a month of 1,000 players who move 10 times a second, in rooms of 10", clients: 10, ...BILLED },
  // Servers that send each change at once never finish with this many clients.
  cost100: {
    title: "the same in rooms of 100, for those that gather what they send",
    clients: 100,
    ...BILLED,
    variants: ["a50", "bauto"],
    baseline: "a50",
  },
  shards: {
    title: "1,000 clients, 1 move in 5 s each: directly, and over 8 shards",
    kind: "run",
    clients: 1000,
    rate: 0.2,
    variants: ["a50", "bauto", "b50", "bautoshards", "b50shards"],
    baseline: "a50",
  },
  relay1: {
    title: "one client sends moves one by one: to the room, and through a shard",
    kind: "run",
    clients: 1,
    inFlight: 1,
    variants: ["b0", "b0shards"],
    baseline: "b0",
  },
  relay100: {
    title: "the same with 100 moves under way, which a shard passes on in batches",
    kind: "run",
    clients: 1,
    inFlight: 100,
    variants: ["b0", "b0shards"],
    baseline: "b0",
  },
  crowd: {
    title: "1,000 players who walk over a map and see those within 100, about 30; 5 moves a second each",
    kind: "run",
    clients: 1000,
    rate: 5,
    map: 1000,
    variants: CROWDS,
    baseline: "agrid",
  },
  crowdshards: {
    title:
      "the same over 14 shards, 10 moves a second each: what the process of the room costs, without that of the shards",
    kind: "run",
    clients: 1000,
    rate: 10,
    map: 1000,
    variants: ["bnearshards"],
    baseline: "bnearshards",
  },
  capacity: {
    title: "how many players a core holds who move 10 times a second each and see 30: p99 ≤ 150 ms, 97 % done",
    kind: "capacity",
    rate: 10,
    inSight: 30,
    ladder: [100, 200, 400, 600, 700, 800, 900, 1000, 1100, 1200, 1300, 1400, 1500, 1600],
    variants: CROWDS,
    baseline: "agrid",
    isOnce: true,
  },
} as const satisfies Record<string, Scenario>;
export type ScenarioName = keyof typeof ALL;
export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = ALL;
