import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { isChromiumMissing, launchChromium } from "./chromium.ts";
import { allowLocal, isOpen } from "./clients-page.ts";
import { freePort, startDevServer } from "./dev-server.ts";
import type { DevServer } from "./dev-server.ts";
import { Wire } from "./wire.ts";

const SOON = { timeout: 10_000, interval: 25 };
const CDN = "https://cdn.jsdelivr.net/npm/durable-rooms@0/dist/durable-rooms.js";
/** A host name in a local network. */
const LAN = "my-pc.lan";

let server: DevServer;
let browser: Browser;
let folder: string;
let port: number;

async function newContext(): Promise<BrowserContext> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  await allowLocal(context);
  return context;
}

async function openPage(context: BrowserContext, query: string, url = server.url): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${url}/page?${query}`);
  await isOpen(page);
  return page;
}

/** Opens a page with the session storage of this page, as browsers do when a tab is duplicated. */
async function duplicate(page: Page): Promise<Page> {
  const [twin] = await Promise.all([
    page.context().waitForEvent("page"),
    page.evaluate(() => void window.open(location.href)),
  ]);
  await isOpen(twin);
  return twin;
}

function publicId(page: Page): Promise<string | undefined> {
  return page.evaluate(() => window.game.publicId);
}

function online(page: Page): Promise<number> {
  return page.evaluate(() => Object.values(window.game.state.players).filter((player) => player.online).length);
}

describe.skipIf(isChromiumMissing())("a page without a bundler", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "durable-rooms-"));
    port = await freePort();
    const cwd = join(import.meta.dirname, "../dev/pages");
    server = await startDevServer({ port, persistTo: join(folder, "state"), cwd });
    browser = await launchChromium([`--host-resolver-rules=MAP ${LAN} 127.0.0.1`]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.kill();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it("loads the client from the Worker, and connects", async () => {
    const context = await newContext();
    const [ada, bob] = await Promise.all([openPage(context, "room=room-plain"), openPage(context, "room=room-plain")]);
    expect(await ada.evaluate(() => window.game.call("add", 3))).toBe(3);
    await expect.poll(() => bob.locator("#out").textContent(), SOON).toBe("3");
    const file = await fetch(`${server.url}/durable-rooms.js`);
    expect(file.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    const etag = file.headers.get("etag") ?? "";
    const again = await fetch(file.url, { headers: { "if-none-match": etag } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });

  it("loads it from a CDN, into a page of another host", async () => {
    const context = await newContext();
    const body = await (await fetch(`${server.url}/durable-rooms.js`)).text();
    await context.route(CDN, (route) =>
      route.fulfill({ body, contentType: "text/javascript", headers: { "access-control-allow-origin": "*" } }),
    );
    const html = `<script type="module">
      import { connectRoom } from "${CDN}";
      globalThis.game = connectRoom({ host: "${server.url}", room: "room-cdn" });
    </script>`;
    await context.route("https://elsewhere.example/", (route) =>
      route.fulfill({ contentType: "text/html", body: html }),
    );
    const page = await context.newPage();
    await page.goto("https://elsewhere.example/");
    await isOpen(page);
    expect(await page.evaluate(() => window.game.call("add", 1))).toBe(1);
  });

  it("has two users in two tabs, and the same ones after a reload", async () => {
    const context = await newContext();
    const query = "room=room-tabs&storage=session";
    const [ada, bob] = await Promise.all([openPage(context, query), openPage(context, query)]);
    const [first, second] = [await publicId(ada), await publicId(bob)];
    expect(first).not.toBe(second);
    await expect.poll(() => online(ada), SOON).toBe(2);
    await ada.reload();
    await isOpen(ada);
    expect(await publicId(ada)).toBe(first);
    await expect.poll(() => online(bob), SOON).toBe(2);
  });

  it("has one user in all tabs if the browser keeps the id", async () => {
    const context = await newContext();
    const query = "room=room-local&storage=local";
    const ada = await openPage(context, query);
    const again = await openPage(context, query);
    expect(await publicId(again)).toBe(await publicId(ada));
    expect(await again.evaluate(() => window.game.call("sockets"))).toBe(2);
    expect(await online(ada)).toBe(1);
  });

  it("has one user with two sockets in a duplicated tab", async () => {
    const ada = await openPage(await newContext(), "room=room-twins&storage=session");
    const twin = await duplicate(ada);
    expect(await publicId(twin)).toBe(await publicId(ada));
    expect(await twin.evaluate(() => window.game.call("sockets"))).toBe(2);
    await ada.close();
    await expect.poll(() => twin.evaluate(() => window.game.call("sockets")), SOON).toBe(1);
    expect(await online(twin)).toBe(1);
  });

  it.each(["localhost", LAN])(
    "has another user in a duplicated tab, if the app wants that, at http://%s",
    async (host) => {
      const url = `http://${host}:${port}`;
      const ada = await openPage(await newContext(), `room=room-${host}&storage=separate`, url);
      expect(await ada.evaluate(() => isSecureContext)).toBe(host === "localhost");
      const id = await publicId(ada);
      const twin = await duplicate(ada);
      const twinId = await publicId(twin);
      expect(twinId).not.toBe(id);
      await expect.poll(() => online(ada), SOON).toBe(2);
      for (const [page, same] of [
        [ada, id],
        [twin, twinId],
      ] as const) {
        await page.reload();
        await isOpen(page);
        expect(await publicId(page)).toBe(same);
      }
    },
  );

  it("connects without TLS to the host of a page without TLS, by its name", async () => {
    const ada = await openPage(await newContext(), "room=room-lan&storage=session", `http://${LAN}:${port}`);
    expect(await ada.evaluate(() => [isSecureContext, typeof crypto.randomUUID])).toEqual([false, "undefined"]);
    expect(await ada.evaluate(() => window.game.call("add", 1))).toBe(1);
    const id = await publicId(ada);
    await ada.reload();
    await isOpen(ada);
    expect(await publicId(ada)).toBe(id);
  });

  it("reports in the console that the scheme of another host is wrong", async () => {
    const page = await (await newContext()).newPage();
    const warnings: string[] = [];
    page.on("console", (message) => message.type() === "warning" && warnings.push(message.text()));
    await page.goto(`${server.url}/page?room=room-scheme&host=${LAN}:${port}`);
    await expect
      .poll(() => warnings, SOON)
      .toEqual([
        `durable-rooms: https://${LAN}:${port} does not answer. If it has no TLS, use host: "http://${LAN}:${port}"`,
      ]);
  });

  it("reports a full room, and a room that does not exist", async () => {
    const context = await newContext();
    await openPage(context, "room=small-one");
    const page = await context.newPage();
    const warnings: string[] = [];
    page.on("console", (message) => message.type() === "warning" && warnings.push(message.text()));
    await page.goto(`${server.url}/page?room=small-one`);
    await expect.poll(() => warnings, SOON).toEqual([expect.stringMatching(/^durable-rooms: .*full/)]);
    await page.goto(`${server.url}/page?room=nowhere`);
    await expect.poll(() => warnings.slice(1), SOON).toEqual([expect.stringMatching(/^durable-rooms: .*4404/)]);
  });

  it("connects if the browser denies storage", async () => {
    const context = await newContext();
    const page = await context.newPage();
    const query = (storage: string) => `/page?room=room-blocked&storage=${storage}`;
    // A frame without an origin has no storage: to access it throws.
    const frames = ["session", "local", "separate"].map(
      (storage) => `<iframe sandbox="allow-scripts" src="${server.url}${query(storage)}"></iframe>`,
    );
    await context.route(`${server.url}/frames`, (route) =>
      route.fulfill({ contentType: "text/html", body: frames.join("") }),
    );
    await page.goto(`${server.url}/frames`);
    const [, ...children] = page.frames();
    expect(children).toHaveLength(3);
    for (const frame of children) {
      await frame.waitForFunction(() => window.game?.status === "open");
      const isBlocked = () => {
        try {
          return sessionStorage === undefined;
        } catch {
          return true;
        }
      };
      expect(await frame.evaluate(isBlocked)).toBe(true);
    }
    const ids = await Promise.all(children.map((frame) => frame.evaluate(() => window.game.publicId)));
    expect(new Set(ids).size).toBe(3);
  });

  it("goes offline and online again, and sends what was waiting", async () => {
    const wire = await Wire.to(port);
    onTestFinished(() => wire.cut());
    const context = await newContext();
    const ada = await openPage(context, "room=room-offline&storage=session", wire.url);
    const id = await publicId(ada);
    await context.setOffline(true);
    wire.cut();
    await ada.waitForFunction(() => window.game.status === "reconnecting");
    const answer = ada.evaluate(() => {
      window.game.emit("add", 1);
      return window.game.call("add", 1);
    });
    await wire.mend();
    await context.setOffline(false);
    expect(await answer).toBe(2);
    expect(await publicId(ada)).toBe(id);
  });
});
