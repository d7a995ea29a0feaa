import { expect, it, vi } from "vitest";
import type { StateOf } from "../../src/index.ts";
import { CallError } from "../../src/client/index.ts";
import { testRoom } from "../../src/testing/index.ts";
import { shared } from "../../src/testing/registry.ts";
import { TestRoom, token } from "../support/harness.ts";
import { track } from "./extracted/recipe-bots.ts";
import { canvas } from "./extracted/recipe-cursors.ts";
import { chat } from "./extracted/chat.ts";
import { say } from "./extracted/recipe-chat-client.ts";
import { start } from "./extracted/recipe-countdown.ts";
import { match, profile } from "./extracted/recipe-deletion.ts";
import discord, { activity } from "./extracted/recipe-discord.ts";
import { whereToPlay } from "./extracted/recipe-discord-client.ts";
import { battle, Unit } from "./extracted/recipe-fog.ts";
import { club } from "./extracted/recipe-host.ts";
import { race } from "./extracted/recipe-leaderboard.ts";
import { arena } from "./extracted/recipe-spectators.ts";
import { cards } from "./extracted/recipe-turns.ts";
import { serviceOf } from "./service.ts";

it("spectators watch, and are counted", async () => {
  const { createClient, room } = await testRoom(arena);
  const fighter = await createClient();
  const watcher = await createClient({ spectator: true });
  expect(Object.keys(watcher.state.fighters)).toEqual([fighter.publicId]);
  expect(await (await room.fetch("/watching")).json()).toBe(1);
});

it("leaderboard: all users see the best ten entries, and no others", async () => {
  const { createClient, expectConverged } = await testRoom(race);
  const [ada, bob] = [await createClient(), await createClient()];
  await ada.call("score");
  await expectConverged();
  expect(bob.state.best).toEqual([
    { name: "?", points: 1 },
    { name: "?", points: 0 },
  ]);
  expect(Object.keys(bob.state.runners ?? {})).toEqual([bob.publicId]);
});

it("kick and ban: only by the host, and a ban applies to the account", async () => {
  const { createClient, server } = await testRoom(club);
  const host = await createClient({ auth: { sub: "host" } });
  const eve = await createClient({ auth: { sub: "eve" } });
  await expect(eve.call("kick", host.publicId)).rejects.toMatchObject({ code: "forbidden" });
  await host.call("kick", eve.publicId);
  expect(await eve.closed).toMatchObject({ code: 4403, reason: "The host removed you" });
  const again = await createClient({ auth: { sub: "eve" } });
  await host.call("ban", again.publicId);
  expect((await again.closed).code).toBe(4403);
  await expect(createClient({ auth: { sub: "eve" } })).rejects.toThrow("4403");

  const ada = await createClient({ auth: { sub: "ada" } });
  host.close();
  await server.advance(400_000);
  expect(ada.state.members).toEqual({ [ada.publicId]: { isHost: true } });
});

it("countdown: begins when all are ready, ends automatically, and may be cancelled", async () => {
  const { createClient, room, server } = await testRoom(start);
  const [ada, bob] = [await createClient(), await createClient()];
  await ada.call("ready");
  expect(room.state.startsAt()).toBe(0);
  await bob.call("ready");
  expect(room.state.startsAt()).toBeGreaterThan(0);
  const startsAt = room.state.startsAt();
  await server.advance(1000);
  await bob.call("ready");
  expect(room.state.startsAt()).toBe(startsAt);
  await ada.call("wait");
  await server.advance(6000);
  expect(room.state.isRunning()).toBe(false);
  await ada.call("ready");
  await server.evict();
  await server.advance(6000);
  expect(room.state.isRunning()).toBe(true);
});

it("turn order: one after the other; slow players are skipped, and players who leave are left out", async () => {
  const { createClient, room, server } = await testRoom(cards);
  const clients = [await createClient(), await createClient(), await createClient()];
  const [ada, bob, eve] = clients as [(typeof clients)[0], (typeof clients)[0], (typeof clients)[0]];
  expect(room.state.turn()).toBe(ada.publicId);
  await expect(bob.call("play", "7")).rejects.toMatchObject({ code: "forbidden" });
  await ada.call("play", "7");
  expect(room.state.turn()).toBe(bob.publicId);
  await server.advance(30_000);
  expect(room.state.turn()).toBe(eve.publicId);
  eve.close();
  await vi.waitFor(() => expect(room.state.order()).toEqual([ada.publicId, bob.publicId]));
  expect(room.state.turn()).toBe(ada.publicId);

  // After a crash, only Bob comes back.
  await server.roomStorage.list();
  await server.crash();
  await createClient({ id: bob.sessionId });
  await server.advance(400_000);
  expect(room.state.order()).toEqual([bob.publicId]);
});

it("teams and fog: a team sees its own units, and others near them", async () => {
  const { createClient, room, expectConverged } = await testRoom(battle);
  const [red, blue] = [await createClient(), await createClient()];
  await room.change(({ commanders }) => commanders()[blue.publicId]?.team.set("blue"));
  await room.change(({ units }) => {
    for (const [key, team, x] of [
      ["r", "red", 50],
      ["b", "blue", 950],
    ] as const) {
      const unit = new Unit();
      unit.team.set(team);
      unit.x.set(x);
      units()[key] = unit;
    }
  });
  await expectConverged();
  expect(Object.keys(red.state.units ?? {})).toEqual(["r"]);
  await room.change(({ units }) => units()["b"]?.x.set(120));
  await expectConverged();
  expect(Object.keys(red.state.units ?? {}).toSorted()).toEqual(["b", "r"]);
  expect(Object.keys(blue.state.units ?? {}).toSorted()).toEqual(["b", "r"]);
});

it("chat: keeps 100 messages, and refuses those that are sent too fast", async () => {
  const { createClient, room, server } = await testRoom(chat);
  const ada = await createClient();
  for (let said = 0; said < 3; said++) await ada.call("say", `hello ${said}`);
  await expect(ada.call("say", "and more")).rejects.toMatchObject({ code: "rate_limited" });
  await room.change(({ messages }) => {
    for (let said = 0; said < 98; said++) messages().push({ from: "?", text: "x", at: 0 });
  });
  await server.advance(5000);
  await ada.call("say", "the latest");
  expect(room.state.messages()).toHaveLength(100);
  expect(room.state.messages().at(-1)?.text).toBe("the latest");
  expect(room.state.messages()[0]?.text).toBe("hello 2");
});

it("chat: the page says why a message was refused", async () => {
  const refused = new CallError("rate_limited", "Too many");
  const room = (call: () => Promise<unknown>) => ({ call }) as never;
  expect(
    await say(
      room(() => Promise.reject(refused)),
      "hello",
    ),
  ).toBe("Not so fast");
  expect(
    await say(
      room(() => Promise.resolve()),
      "hello",
    ),
  ).toBe("");
});

it("cursors: whole numbers that are not stored, and a user who left is shown as away for a while", async () => {
  const { createClient, room, server } = await testRoom(canvas);
  const [ada, bob] = [await createClient(), await createClient()];
  await ada.call("point", { x: 10.4, y: 20 });
  expect(room.state.guests()[ada.publicId]?.x()).toBe(10);
  expect(await server.roomStorage.get(`guests.${ada.publicId}`)).not.toHaveProperty("x");
  ada.close();
  await vi.waitFor(() => expect(room.state.guests()[ada.publicId]?.online()).toBe(false));
  await server.advance(11_000);
  expect(Object.keys(bob.state.guests)).toEqual([bob.publicId]);
});

it("bots take free seats, and move", async () => {
  const { createClient, room, server } = await testRoom(track);
  const ada = await createClient();
  await server.advance(1000);
  expect(Object.keys(room.state.bots())).toHaveLength(3);
  expect(room.state.bots()["bot-0"]?.x()).toBeGreaterThan(0);
  await createClient();
  await server.advance(100);
  expect(Object.keys(room.state.bots())).toHaveLength(2);
  ada.close();
  await vi.waitFor(() => expect(Object.keys(room.state.drivers())).toHaveLength(1));
  await server.advance(100);
  expect(Object.keys(room.state.bots())).toHaveLength(3);
});

it("deletion: a user's data in each game is deleted, and then their profile", async () => {
  shared().rooms.set("matches", match).set("profiles", profile);
  const game = new TestRoom(match, "match-1", "matches");
  const about = new TestRoom(profile, "profile-ada", "profiles");
  const ada = await game.connect({ token: await token({ sub: "ada" }) });
  await vi.waitFor(async () =>
    expect(await about.inside((state) => (state as StateOf<typeof profile>).visits())).toEqual([
      { party: "matches", id: "match-1", publicId: ada.publicId },
    ]),
  );
  const erase = async (sub: string) => about.fetch(`/?token=${await token({ sub })}`, { method: "DELETE" });
  expect((await erase("eve")).status).toBe(403);
  expect(await (await erase("ada")).json()).toEqual({ deleted: 1 });
  expect(JSON.stringify(await game.stored())).not.toContain(ada.publicId);
});

it("Discord: the code from the page becomes a token for the rooms", async () => {
  const answers = [{ access_token: "discord's" }, { id: "42", username: "ada", global_name: null }];
  const fetched = vi.spyOn(globalThis, "fetch").mockImplementation(async () => Response.json(answers.shift()));
  const ask = serviceOf(discord, [activity]);
  const response = await ask("/token", { method: "POST", body: '{"code":"secret"}' });
  const [[, init] = []] = fetched.mock.calls;
  expect((init as { body: URLSearchParams }).body.get("code")).toBe("secret");
  fetched.mockRestore();
  const made = await response.json<{ token: string }>();
  const claims = JSON.parse(atob(made.token.split(".")[1] ?? "")) as object;
  expect(claims).toMatchObject({ sub: "discord-42", name: "ada" });
});

it("Discord: players of one activity meet in one room, at the page's own host", async () => {
  vi.stubGlobal("location", { host: "42.discordsays.com" });
  const fetched = vi.spyOn(globalThis, "fetch").mockImplementation(async () => Response.json({ token: "t" }));
  const sdk = { instanceId: "i-7", commands: { authorize: async () => ({ code: "secret" }) } };
  expect(await whereToPlay(sdk, "42")).toEqual({ host: "42.discordsays.com", room: "activity-i-7", token: "t" });
  fetched.mockRestore();
  vi.unstubAllGlobals();
});
