import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { afterAll, describe, expect, it } from "vitest";
import { MemoryRoom } from "../support/memory.ts";
import { definition } from "./play.ts";
import type { State } from "./play.ts";

/** The last commit before journals were added. */
const BEFORE = "8187837";
const ROOT = join(import.meta.dirname, "../..");
const git = (...args: string[]) => execFileSync("git", ["-C", ROOT, ...args], { maxBuffer: 2 ** 28 });

/**
 * Starts a room of that version on the stored rows, and prints its state, or exits with the reason why it cannot start.
 */
const START = `
import { readFileSync, writeFileSync } from "node:fs";
import { deserialize, serialize } from "node:v8";
import { MemoryRoom } from "./test/support/memory.ts";
import { definition } from "./test/compatibility/play.ts";
const room = new MemoryRoom(definition.compiled);
const before = readFileSync("rows");
room.storage.rows = deserialize(before);
try {
  room.crash();
  room.change((state) => state.count.update((count) => count + 1));
  await room.advance(2000);
} finally {
  writeFileSync("rows", serialize(room.storage.rows));
}
console.log(JSON.stringify({ count: room.state.count(), xs: Object.values(room.state.players()).map(({ x }) => x()) }));
`;

const hasHistory = spawnSync("git", ["-C", ROOT, "cat-file", "-e", `${BEFORE}^{commit}`]).status === 0;

// A shallow clone does not have this commit.
describe.skipIf(!hasHistory)(`a rollback to ${BEFORE}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "rollback-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const rows = join(folder, "rows");

  function install(): void {
    const archive = git("archive", BEFORE, "src", "test/support", "test/compatibility", "package.json");
    execFileSync("tar", ["-x", "-C", folder], { input: archive });
    mkdirSync(join(folder, "test"), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "start.ts"), START);
  }

  /** Starts the old version on the stored rows. @returns its output, or the reason why it does not start */
  function start(room: MemoryRoom<State>): { printed: string; error: string } {
    writeFileSync(rows, serialize(room.storage.raw));
    const { stdout, stderr } = spawnSync(process.execPath, ["start.ts"], { cwd: folder, encoding: "utf8" });
    room.storage.raw = deserialize(readFileSync(rows)) as Map<string, unknown>;
    return { printed: stdout, error: stderr };
  }

  /** A room in which three users move until it has a journal. */
  async function busy(): Promise<MemoryRoom<State>> {
    const room = new MemoryRoom<State>(definition.compiled);
    for (const name of ["ada", "bob", "cleo"]) await room.connect(name);
    for (let step = 1; step <= 5; step++) {
      room.change((state) => {
        state.count.set(step);
        for (const player of Object.values(state.players())) player.x.set(step);
      });
      await room.advance(1000);
    }
    expect(room.storage.raw.get("$version")).toHaveProperty("rows");
    room.kill();
    return room;
  }

  const found = (room: MemoryRoom<State>) => [
    room.state.count(),
    ...Object.values(room.state.players()).map(({ x }) => x()),
  ];

  it("with a full journal: the room does not start, nothing changes, and it works after going forward again", async () => {
    install();
    const room = await busy();
    const before = structuredClone(room.storage.raw);
    const { printed, error } = start(room);
    expect(printed).toBe("");
    expect(error).toContain("The row $version has to hold the number of a version");
    expect(room.storage.raw).toEqual(before);
    room.start();
    expect(found(room)).toEqual([5, 5, 5, 5]);
  });

  it("after the room was quiet: it starts with all data, and what it stores is kept after going forward again", async () => {
    const room = await busy();
    room.start();
    await room.advance(10_000);
    room.kill();
    const { printed, error } = start(room);
    expect([JSON.parse(printed), error]).toEqual([{ count: 6, xs: [5, 5, 5] }, ""]);
    room.start();
    expect(found(room)).toEqual([6, 5, 5, 5]);
  });
});
