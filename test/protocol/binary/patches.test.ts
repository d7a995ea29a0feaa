import fc from "fast-check";
import { expect, test } from "vitest";
import { applyPatch } from "../../../src/protocol/apply-patch.ts";
import { jsonBlocks } from "../../../src/protocol/binary/blocks.ts";
import { ByteReader } from "../../../src/protocol/binary/bytes.ts";
import { PatchDecoder } from "../../../src/protocol/binary/patch-decoder.ts";
import { Collection } from "../../../src/protocol/binary/collection.ts";
import { PatchEncoder } from "../../../src/protocol/binary/patch-encoder.ts";
import { readTables } from "../../../src/protocol/binary/tables.ts";
import type { Plain } from "../../../src/protocol/values.ts";
import { diff, SAME } from "../../../src/state/diff.ts";
import { addition, merge } from "../../../src/state/merge.ts";
import { movers, own, SPECS, state } from "./states.ts";

interface Client {
  readonly isOwn: boolean;
  readonly isAway: boolean;
  readonly decoder: PatchDecoder;
  state: Readonly<Plain>;
  json: Readonly<Plain>;
}

const tables = readTables(SPECS);
const clean = (value: unknown) => JSON.parse(JSON.stringify(value)) as Plain;

function take(client: Client, bytes: Uint8Array, patch: Plain): void {
  client.state = applyPatch(client.state, client.decoder.read(new ByteReader(bytes), client.state));
  client.json = applyPatch(client.json, clean(patch));
  expect(client.state).toEqual(client.json);
}

/** One window: the next state, the hidden part of the state, and a client that joins or leaves. */
const window = fc.record({
  next: fc.oneof({ weight: 2, arbitrary: state }, movers),
  secret: fc.option(own),
  joiner: fc.option(fc.record({ isOwn: fc.boolean(), isAway: fc.boolean() })),
  isBack: fc.boolean(),
});

test("a client of binary patches has the same state as one of JSON, whoever joins or returns, and whatever is merged for some clients", () => {
  fc.assert(
    fc.property(fc.array(window, { maxLength: 12 }), (windows) => {
      const encoder = new PatchEncoder(tables, Collection);
      const clients: Client[] = [];
      let now: Plain = {};
      for (const { next, secret, joiner, isBack } of windows) {
        const after = clean(next);
        const patch = diff(now, after);
        now = after;
        if (patch !== SAME) {
          const shared = patch as Plain;
          const bytes = encoder.shared(shared);
          const more = secret && [{ names: ["hand"], value: secret.hand }];
          for (const client of clients) {
            if (client.isAway) continue;
            const isMore = client.isOwn && more;
            const blocks = isMore ? Buffer.concat([bytes, jsonBlocks(addition(shared, more), false)]) : bytes;
            take(client, blocks, isMore ? merge(shared, more) : shared);
          }
        }
        for (const client of isBack ? clients.filter(({ isAway }) => isAway) : []) {
          const { hand, ...known } = client.json;
          const missed = diff(known, after);
          if (missed !== SAME) take(client, encoder.whole(missed as Plain), missed as Plain);
          if (hand !== undefined) expect(client.state).toHaveProperty("hand");
        }
        if (!joiner) continue;
        const client: Client = { ...joiner, decoder: new PatchDecoder(tables), state: {}, json: {} };
        client.decoder.begin();
        take(client, encoder.whole(after), after);
        clients.push(client);
      }
    }),
    { numRuns: 300 },
  );
});
