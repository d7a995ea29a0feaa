import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { memoryOf, SECRETS } from "../fuzz/long/workerd.ts";
import { bundleInto, startWorkerd } from "../workerd/process.ts";
import type { Workerd } from "../workerd/process.ts";
import { resetWhileJoining, SoakClient } from "./clients.ts";

const SECONDS = Number(process.env["SOAK_SECONDS"] ?? 180);
/** How much memory may grow between the beginning of the run, when all code has run once, and its end, in MB. */
const MOST_GROWTH = { heap: 3, resident: 48 };
/** The memory of an object on Cloudflare, in MB. */
const MOST_HEAP = 128;

let workerd: Workerd;
let folder: string;
let shard: string;
const rooms = ["soak-1", "soak-2"];
const urlOf = (place: string, id: string) =>
  `ws://127.0.0.1:${workerd.port}/parties/${place}?protocol=2&id=${encodeURIComponent(id)}`;
const ask = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${workerd.port}/parties/${path}`, init);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "soak-"));
  await bundleInto(folder, join(import.meta.dirname, "worker.ts"));
  workerd = await startWorkerd(folder, SECRETS);
  const answer = await ask("world/w/connect", { method: "POST", body: JSON.stringify({ roomId: "soak-1" }) });
  const { shardId } = await answer.json<{ shardId: string }>();
  shard = `shard/${shardId}`;
});
afterAll(async () => {
  await workerd.kill();
  rmSync(folder, { recursive: true });
});

let users = 0;
const newUser = () => `user-${users++}`;

/** The actions of clients. Refusals and closed connections are no failures. */
const ATTACKS: Readonly<Record<string, () => Promise<void>>> = {
  async "come and go"() {
    for (let index = 0; index < 20; index++) {
      const client = await SoakClient.connect(urlOf(index % 2 ? shard : "main/soak-1", newUser()));
      await client?.call("count");
      await client?.leave();
    }
  },
  async "ask for large answers, and leave"() {
    const client = await SoakClient.connect(urlOf("main/soak-2", newUser()));
    await client?.call("notes");
    for (let index = 0; index < 3; index++) await client?.call("read");
    await client?.leave();
  },
  async "are refused"() {
    const client = await SoakClient.connect(urlOf("main/soak-1", newUser()));
    const wrong = Array.from({ length: 8000 }, () => "");
    for (let index = 0; index < 5; index++) await client?.call("numbers", wrong);
    await client?.call("none");
    await (await ask("main/soak-1/numbers", { method: "POST", body: JSON.stringify(wrong) })).text();
    await client?.leave();
  },
  async "leave for another room, and turn back"() {
    const id = newUser();
    const client = await SoakClient.connect(urlOf("main/soak-1", id));
    await client?.call("notes");
    await client?.call("go", "soak-2");
    await client?.leave();
    const back = await SoakClient.connect(urlOf("main/soak-1", id));
    await back?.leave();
  },
  async "move to another room"() {
    const client = await SoakClient.connect(urlOf("main/soak-1", newUser()));
    const token = await client?.call("go", "soak-2");
    await client?.leave();
    const url = `ws://127.0.0.1:${workerd.port}/parties/main/soak-2?transferToken=${String(token)}`;
    await (await SoakClient.connect(url))?.leave();
  },
  async "flood a room, and a shard"() {
    for (const place of ["main/soak-2", shard]) {
      const client = await SoakClient.connect(urlOf(place, newUser()));
      const text = "x".repeat(60_000);
      client?.send("slow");
      for (let index = 0; index < 60; index++) client?.send("count", text);
      await client?.call("count");
      await client?.leave();
    }
  },
  async "give wrong passwords, at once and after a while"() {
    for (const query of ["wrong", "wrong&slow=50", "wrong&slow=1200"]) {
      for (const place of ["main/soak-1", shard]) {
        const clients = Array.from({ length: 5 }, () => SoakClient.connect(`${urlOf(place, newUser())}&${query}`));
        for (const client of await Promise.all(clients)) await client?.leave();
      }
    }
  },
  async "break while they join"() {
    for (const place of ["main/soak-1", shard]) {
      await Promise.all([20, 100, 1300].map((ms) => resetWhileJoining(`${urlOf(place, newUser())}&slow=1200`, ms)));
    }
  },
  async "are kicked, or removed"() {
    const clients = await Promise.all(
      ["main/soak-2", shard].map((place) => SoakClient.connect(urlOf(place, newUser()))),
    );
    for (const client of clients) await client?.call("remove");
    const [one, other] = [
      await SoakClient.connect(urlOf("main/soak-2", newUser())),
      await SoakClient.connect(urlOf("main/soak-2", newUser())),
    ];
    await one?.call("kickAll");
    for (const client of [...clients, one, other]) await client?.leave();
  },
  async "do not read"() {
    const client = await SoakClient.connect(urlOf("main/soak-2", newUser()));
    client?.pause();
    for (let index = 0; index < 20; index++) client?.send("read");
    await wait(500);
    await client?.leave();
  },
  async "make entries whose keys they choose"() {
    const client = await SoakClient.connect(urlOf("main/soak-1", newUser()));
    for (let index = 0; index < 20; index++) await client?.call("add", `${index}.${"a.".repeat(index)}a`);
    await client?.leave();
  },
};

/** Aborts the rooms, which start again at the next request. */
async function evict(): Promise<void> {
  for (const room of rooms) await ask(`main/${room}/evict-me`).then((answer) => answer.text());
}

/** Waits until no users are left, because all have left and their sessions have expired. */
async function expectNobody(): Promise<void> {
  for (const room of rooms) {
    await expect
      .poll(async () => (await ask(`main/${room}/who`)).json(), { timeout: 20_000, interval: 500 })
      .toMatchObject({ connections: 0, users: 0, sessions: 0, players: 0, sockets: 0 });
  }
}

async function expectServed(): Promise<void> {
  for (const place of ["main/soak-1", "main/soak-2", shard]) {
    const client = await SoakClient.connect(urlOf(place, newUser()));
    expect(await client?.call("count"), place).toEqual(expect.any(Number));
    await client?.leave();
  }
}

it(
  `after ${SECONDS} seconds of joins, leaves, refusals, resets, kicks, transfers, evictions and floods, nobody is there and memory is flat`,
  async () => {
    const begun = Date.now();
    const measured: { heap: number; resident: number }[] = [];
    while (Date.now() - begun < SECONDS * 1000) {
      // Abort rooms before the attacks, so that they have started again when the memory is measured.
      if (measured.length % 5 === 4) await evict();
      await Promise.all(Object.values(ATTACKS).map((attack) => attack()));
      expect(workerd.isAlive()).toBe(true);
      measured.push(await memoryOf(workerd));
      expect(measured.at(-1)?.heap).toBeLessThan(MOST_HEAP);
    }
    await expectServed();
    await expectNobody();
    console.log(`${measured.length} rounds, ${users} users`, measured.at(0), measured.at(-1));
    expect(measured.length).toBeGreaterThan(20);
    // Compare the minima of several rounds: memory that is only used for a moment is no leak.
    const tenth = Math.floor(measured.length / 10);
    for (const kind of ["heap", "resident"] as const) {
      const leastOf = (rounds: typeof measured) => Math.min(...rounds.map((one) => one[kind]));
      const growth = leastOf(measured.slice(-2 * tenth)) - leastOf(measured.slice(tenth, 3 * tenth));
      console.log(`${kind} grew by ${growth.toFixed(1)} MB`);
      expect(growth, `growth of ${kind} in MB`).toBeLessThan(MOST_GROWTH[kind]);
    }
  },
  (SECONDS + 60) * 1000,
);
