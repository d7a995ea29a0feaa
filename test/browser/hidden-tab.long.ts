import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { ChromiumTab } from "./chromium-tab.ts";
import { isChromiumMissing } from "./chromium.ts";
import { freePort, startDevServer } from "./dev-server.ts";
import type { DevServer } from "./dev-server.ts";

const SOON = { timeout: 10_000, interval: 50 };
const HIDDEN = 180_000;
const IDLE = 60_000;

let server: DevServer;
let folder: string;
let port: number;

/** A proxy that closes a connection after a minute without data in either direction. */
async function idleProxy(): Promise<string> {
  const ends = new Set<Socket>();
  const proxy = createServer((near) => {
    const far = connect(port, "localhost");
    near.setTimeout(IDLE, () => near.destroy());
    near.pipe(far).pipe(near);
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(end);
      end.on("error", () => {});
      end.on("close", () => other.destroy());
    }
  });
  const own = await freePort();
  await new Promise<void>((resolve) => void proxy.listen(own, () => resolve()));
  onTestFinished(() => {
    proxy.close();
    for (const end of ends) end.destroy();
  });
  return `http://localhost:${own}`;
}

describe.skipIf(isChromiumMissing())("a hidden tab", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "durable-rooms-"));
    port = await freePort();
    const cwd = join(import.meta.dirname, "../dev/pages");
    server = await startDevServer({ port, persistTo: join(folder, "state"), cwd });
  });
  afterAll(async () => {
    await server?.kill();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it(
    "keeps its connection for 3 minutes behind a proxy that ends idle ones after one",
    { timeout: 300_000 },
    async () => {
      const page = "/page?room=room-hidden&storage=session";
      const [hidden, other] = await Promise.all([
        ChromiumTab.open(`${await idleProxy()}${page}`),
        ChromiumTab.open(`${server.url}${page}`),
      ]);
      onTestFinished(() => Promise.all([hidden.close(), other.close()]).then(() => {}));
      for (const tab of [hidden, other]) await expect.poll(() => tab.evaluate("game?.status"), SOON).toBe("open");
      // A socket without pings, to prove that the proxy closes idle ones.
      await hidden.evaluate(`
      globalThis.seen = { statuses: [], visible: 0, isIdleOneClosed: false };
      const idle = new WebSocket(location.origin.replace("http", "ws") + "/parties/main/room-hidden");
      idle.onclose = () => (seen.isIdleOneClosed = true);
      game.on("status", (status) => seen.statuses.push(status));
      document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && seen.visible++);
    `);
      await hidden.hide();
      await expect.poll(() => hidden.evaluate("document.visibilityState"), SOON).toBe("hidden");

      await sleep(HIDDEN);
      expect(await hidden.evaluate("document.visibilityState")).toBe("hidden");
      expect(await hidden.evaluate("seen")).toEqual({ statuses: [], visible: 0, isIdleOneClosed: true });
      expect(await hidden.evaluate("game.status")).toBe("open");
      await other.evaluate(`game.call("add", 7)`);
      await expect.poll(() => hidden.evaluate("game.state.count"), SOON).toBe(7);
    },
  );
});
