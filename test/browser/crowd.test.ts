import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { applyPatch } from "../../src/protocol/apply-patch.ts";
import { SIGHT } from "../../src/demo/crowd-rules.ts";
import { isChromiumMissing, launchChromium } from "./chromium.ts";
import { freePort, startDevServer } from "./dev-server.ts";
import type { DevServer } from "./dev-server.ts";
import { BinaryTexts } from "../support/binary-texts.ts";

const SOON = { timeout: 20_000, interval: 50 };

interface Place {
  readonly x: number;
  readonly y: number;
}
interface Known {
  readonly bots?: Readonly<Record<string, Place>>;
  readonly walkers?: Readonly<Record<string, Place>>;
  readonly total?: number;
}

let server: DevServer;
let browser: Browser;
let folder: string;

/** A visitor in the crowd, with everything that the server sent to their page. */
class Visitor {
  readonly page: Page;
  /** The packets that it received, as JSON. */
  readonly frames: string[] = [];
  readonly #binary = new BinaryTexts();
  state: Known & Record<string, unknown> = {};
  publicId = "";
  /** The distance of the farthest bot that was ever in its state. */
  farthest = 0;

  constructor(page: Page) {
    this.page = page;
    page.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload }) => this.#take(this.#binary.textOf(payload))),
    );
  }

  #take(text: string): void {
    if (!text.startsWith('{"type":"sync"')) return;
    this.frames.push(text);
    const { pId, ...patch } = (JSON.parse(text) as { value: Record<string, unknown> }).value;
    if (pId !== undefined) this.publicId = pId as string;
    this.state = applyPatch(pId === undefined ? this.state : {}, patch);
    const me = this.state.walkers?.[this.publicId];
    for (const { x, y } of Object.values(this.state.bots ?? {}))
      if (me) this.farthest = Math.max(this.farthest, Math.hypot(x - me.x, y - me.y));
  }

  async number(id: string): Promise<number> {
    return Number(await this.page.locator(`#${id}`).textContent());
  }
}

async function enter(room: string): Promise<Visitor> {
  const context = await browser.newContext({ viewport: { width: 800, height: 700 } });
  onTestFinished(() => context.close());
  const visitor = new Visitor(await context.newPage());
  await visitor.page.goto(`${server.url}/crowd#${room}`);
  await expect.poll(() => visitor.number("total"), SOON).toBeGreaterThan(500);
  return visitor;
}

describe.skipIf(isChromiumMissing())("the crowd in a browser", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "durable-rooms-"));
    server = await startDevServer({ port: await freePort(), persistTo: join(folder, "state") });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.kill();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it("shows a page only what is near, and others while the player walks", async () => {
    const ada = await enter("walk");
    await expect.poll(() => ada.number("known"), SOON).toBeGreaterThan(1);
    expect(await ada.number("known")).toBeLessThan(100);
    const met = await ada.number("met");
    await ada.page.locator("#map").focus();
    await ada.page.keyboard.down("ArrowRight");
    await expect
      .poll(async () => Number(await ada.page.locator("#map").getAttribute("data-x")), SOON)
      .toBeGreaterThan(1200);
    await ada.page.keyboard.up("ArrowRight");
    await expect.poll(() => ada.number("met"), SOON).toBeGreaterThan(met + 10);
    expect(await ada.number("met")).toBeLessThan(300);
    expect(await ada.number("known")).toBeLessThan(100);
    expect(ada.farthest).toBeGreaterThan(SIGHT / 2);
    expect(ada.farthest).toBeLessThanOrEqual(1.5 * SIGHT);
  });

  it("can be walked through without a keyboard, to where somebody points", async () => {
    const { page } = await enter("pointed");
    const map = page.locator("#map");
    const x = async () => Number(await map.getAttribute("data-x"));
    const before = await x();
    const { x: left, y: top, width, height } = (await map.boundingBox()) ?? expect.fail("no map");
    await page.mouse.move(left + 0.9 * width, top + 0.5 * height);
    await page.mouse.down();
    await expect.poll(x, SOON).toBeGreaterThan(before + 100);
    await page.mouse.move(left + 0.1 * width, top + 0.5 * height);
    await expect.poll(x, SOON).toBeLessThan(before);
    await page.mouse.up();
  });

  it("does not send two distant players anything about each other until they meet", async () => {
    const [ada, bob] = [await enter("meet"), await enter("meet")];
    await expect.poll(() => ada.number("total"), SOON).toBe(502);
    expect(ada.frames.join("")).not.toContain(bob.publicId);
    await bob.page.locator("#map").focus();
    await bob.page.keyboard.down("ArrowLeft");
    await expect.poll(() => Object.keys(ada.state.walkers ?? {}), SOON).toContain(bob.publicId);
    await bob.page.keyboard.up("ArrowLeft");
    await expect.poll(() => Object.keys(bob.state.walkers ?? {}), SOON).toContain(ada.publicId);
  });
});
