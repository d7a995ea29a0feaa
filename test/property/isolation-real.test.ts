import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import { operatorToken, testRoom, token } from "../support/harness.ts";
import { ACTIONS, claimsOf, definitionOf, MARK, stolen, USERS } from "../support/secrets.ts";

it("P4.6, P4.8: restricted values reach no one else over real sockets, nor in answers of rooms and Worlds", async () => {
  const room = testRoom(definitionOf("real", true), "r");
  const tokens = await Promise.all(USERS.map((name) => token({ ...claimsOf(name) })));
  const clients = await Promise.all(
    tokens.flatMap((shown, who) =>
      (["room", "shard"] as const).map((via) =>
        room.connect({ id: `real-${who}`, token: shown, via, query: "protocol=2" }),
      ),
    ),
  );
  for (let round = 0; round < 4; round++) {
    for (const action of ACTIONS) for (const client of clients) await client.call(action);
    if (round === 1) await room.evict();
  }
  let told = 0;
  for (const [index, client] of clients.entries()) {
    const text = client.texts.join("\n");
    expect(stolen(text, "real", USERS[Math.floor(index / 2)] as string)).toEqual([]);
    told += [...text.matchAll(MARK)].length;
  }
  expect(told).toBeGreaterThan(500);
  for (const path of ["/state", "/fails", "/none"]) {
    expect(stolen(await (await room.fetch(path)).text(), "real", "nobody")).toEqual([]);
  }
  const world = "http://rooms.test/parties/world/isolated";
  const asked = [
    exports.default.fetch(`${world}/registry`),
    exports.default.fetch(`${world}/registry?token=${tokens[2]}`),
    exports.default.fetch(`${world}/registry`, {
      headers: { authorization: `Bearer ${await operatorToken({ worlds: "other" })}` },
    }),
  ];
  for (const answer of await Promise.all(asked)) expect([401, 403]).toContain(answer.status);
});
