import { setTimeout as sleep } from "node:timers/promises";
import { ReturningClient } from "./returning-client.ts";
import type { Manner, Return } from "./returning-client.ts";

/** The orders that the process with the crowd receives. */
export interface CrowdOrder {
  readonly port: number;
  readonly path: string;
  readonly clients: number;
  readonly isBinary: boolean;
  readonly manner: Manner;
}

/** What it reports: that all clients are in, and later how each of them returned. */
export type CrowdNews =
  | { readonly kind: "in"; readonly stateBytes: number; readonly spread: number }
  | { readonly kind: "back"; readonly returns: readonly Return[] };

process.on("message", (order: CrowdOrder) => void run(order));

async function run({ clients: count, manner, ...place }: CrowdOrder): Promise<void> {
  const clients = Array.from({ length: count }, (_, index) => new ReturningClient(place, `crowd-${index}`, manner));
  const returns: Return[] = [];
  const ins = clients.map(
    (client) =>
      new Promise<void>((resolve) => {
        client.onIn = resolve;
        client.onReturned = (how) => {
          returns.push(how);
          if (returns.length === count) tell({ kind: "back", returns });
        };
      }),
  );
  for (const [index, client] of clients.entries()) {
    client.connect();
    if (index % 20 === 19) await sleep(20);
  }
  await Promise.all(ins);
  const last = clients.at(-1) as ReturningClient;
  // Wait until the changes of the last joins are stored, and clients were told so.
  await sleep(3000);
  tell({ kind: "in", stateBytes: last.stateBytes, spread: last.spread });
}

function tell(news: CrowdNews): void {
  process.send?.(news);
}
