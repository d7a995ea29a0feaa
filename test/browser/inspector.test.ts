import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Crowd, joinShard, login } from "./bystander.ts";
import type { Bystander } from "./bystander.ts";
import { isChromiumMissing, launchChromium } from "./chromium.ts";
import { freePort, startDevServer } from "./dev-server.ts";
import type { DevServer } from "./dev-server.ts";

const SOON = { timeout: 15_000, interval: 50 };
const SECRET = "a secret of the browser's tests, 32 bytes or more";
const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
const WORLD = "#/world/world-default";
const PHONE = { width: 390, height: 844 };

/** A browser window that shows the inspector. */
class Inspector {
  readonly page: Page;
  readonly problems: string[] = [];
  /** The URLs of all requests and sockets of the page. */
  readonly urls: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on("pageerror", ({ message }) => this.problems.push(message));
    page.on("console", (message) => {
      if (message.type() === "error" && !/status of 40[13]|WebSocket connection/.test(message.text()))
        this.problems.push(message.text());
    });
    page.on("request", (request) => this.urls.push(request.url()));
    page.on("websocket", (socket) => this.urls.push(socket.url()));
  }

  static async open(browser: Browser, url: string, hash = "", viewport = { width: 1200, height: 900 }) {
    const context = await browser.newContext({ viewport, reducedMotion: "reduce" });
    const inspector = new Inspector(await context.newPage());
    onTestFinished(async () => {
      await context.close();
      expect(inspector.problems).toEqual([]);
    });
    await inspector.page.goto(`${url}/inspector${hash}`);
    return inspector;
  }

  /** The number or the text in a tile. */
  tile(name: string): Promise<string> {
    return this.page.locator(`.tiles [data-name="${name}"]`).innerText();
  }

  get tree(): Locator {
    return this.page.getByRole("group", { name: "State" });
  }

  table(name: string): Locator {
    return this.page.getByRole("table", { name });
  }

  /** Clicks, and confirms the dialog that appears. */
  async confirm(clicked: Locator, yes: string): Promise<void> {
    await clicked.click();
    await this.page.getByRole("dialog").getByRole("button", { name: yes }).click();
  }
}

/** By how many pixels a page is wider than its window. */
const overflowOf = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

describe.skipIf(isChromiumMissing())("the inspector in a browser", () => {
  let folder: string;
  let server: DevServer;
  let browser: Browser;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "durable-rooms-"));
    server = await startDevServer({ port: await freePort(), persistTo: join(folder, "open") });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.kill();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  async function enter(room: string, name = "Ada"): Promise<Bystander> {
    const player = await joinShard(server.url, name, room);
    onTestFinished(() => player.close());
    return player;
  }

  it("shows a live room: its counters, its state, its users, and its packets at the shard", async () => {
    const ada = await enter("live");
    const { page, tree } = await Inspector.open(browser, server.url, WORLD);
    await page.getByRole("link", { name: "game-live" }).first().click();
    await page.getByRole("heading", { name: "main/game-live" }).waitFor();
    const room = page.locator(".tiles");
    await expect.poll(() => room.locator('[data-name="connections"]').innerText(), SOON).toBe("1");
    await expect.poll(() => page.getByRole("table", { name: "Sessions" }).innerText(), SOON).toContain("online");
    ada.send("say", "hello there");
    await tree.locator("summary", { hasText: "chat" }).waitFor();
    await expect.poll(() => tree.innerText(), SOON).toContain("[1]");
    await tree.locator("details", { hasText: "chat" }).locator("details > summary").last().click();
    await expect.poll(() => tree.innerText(), SOON).toContain('"hello there"');
    await enter("live", "Bob");
    await expect.poll(() => room.locator('[data-name="users online"]').innerText(), SOON).toBe("2");
    await page.goto(`${server.url}/inspector#/shard/${ada.shard}`);
    await expect.poll(() => room.locator('[data-name="connections"]').innerText(), SOON).toContain("2 of 4");
    await page.getByText("No packets since the inspector was opened.").waitFor();
    ada.send("say", "and more");
    await expect.poll(() => page.locator(".packets").innerText(), SOON).toContain('"value":"and more"');
    await expect.poll(() => page.locator('.packets [data-direction="out"]').count(), SOON).toBeGreaterThan(0);
    await expect.poll(() => page.locator(".chart .line").first().getAttribute("d"), SOON).toMatch(/^M.*L/);
  });

  it("shows any user input as text", async () => {
    const ada = await enter("hostile");
    const { page, tree } = await Inspector.open(browser, server.url, "#/room/main/game-hostile");
    const title = await page.title();
    ada.send("say", HOSTILE);
    await tree.locator("details", { hasText: "chat" }).locator("details > summary").last().click();
    await expect.poll(() => tree.innerText(), SOON).toContain(JSON.stringify(HOSTILE));
    await page.goto(`${server.url}/inspector#/shard/${ada.shard}`);
    await page.getByText("No packets since the inspector was opened.").waitFor();
    ada.send("say", HOSTILE);
    await expect.poll(() => page.locator(".packets").innerText(), SOON).toContain("<img src=x");
    expect(await page.locator("img, main script").count()).toBe(0);
    await page.goto(`${server.url}/inspector#/room/main/${encodeURIComponent(`game-${HOSTILE}`)}`);
    await page.getByRole("heading", { name: "<img" }).waitFor();
    expect(await page.locator("img, main script").count()).toBe(0);
    expect([title, await page.title()].join()).not.toMatch(/^[12]|[12]$/);
  });

  it("sends an action from a form for its schema, and shows why one is refused", async () => {
    const { page, tree, urls } = await Inspector.open(browser, server.url, "#/room/main/game-form");
    await page.locator("#user-token").fill(await login(server.url, "Operator"));
    await page.getByRole("button", { name: "Join as a user" }).click();
    await page.getByText(/^open, as /).waitFor();
    await expect
      .poll(() => page.getByRole("group", { name: "What this client sees" }).innerText(), SOON)
      .toContain("players");
    await page.getByLabel("dx").fill("7");
    await page.getByLabel("dy").fill("no number");
    await page.getByRole("button", { name: "Send move" }).click();
    const answer = page.getByLabel("Answer");
    await expect.poll(() => answer.innerText(), SOON).toContain("invalid_input");
    const problems = page.locator(".field .problem:visible");
    await expect.poll(() => problems.count(), SOON).toBe(2);
    await page.getByLabel("dx").fill("0");
    await page.getByLabel("dy").fill("0");
    await page.getByLabel("dy").press("Enter");
    await expect.poll(() => answer.innerText(), SOON).toBe("done");
    expect(await problems.count()).toBe(0);
    await page.locator("#action").selectOption("paint");
    await page.getByLabel("value").selectOption({ label: "violet" });
    await page.getByRole("button", { name: "Send paint" }).click();
    await expect.poll(() => answer.innerText(), SOON).toBe("done");
    await tree.locator("details", { hasText: "players" }).locator("details > summary").first().click();
    await expect.poll(() => tree.innerText(), SOON).toContain('"violet"');
    await page.getByRole("button", { name: "Leave" }).click();
    await expect.poll(() => page.getByRole("table", { name: "Sessions" }).innerText(), SOON).toContain("offline for");
    expect(urls.filter((url) => url.includes("token=")).every((url) => url.startsWith("ws:"))).toBe(true);
  });

  it("drains a shard after a confirmation, and makes it active again", async () => {
    const ada = await enter("drain");
    const inspector = await Inspector.open(browser, server.url, WORLD);
    const row = inspector.table("Shards").getByRole("row", { name: ada.shard });
    await row.getByRole("button", { name: "Drain" }).click();
    await inspector.page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    expect(await row.innerText()).toContain("active");
    await inspector.confirm(row.getByRole("button", { name: "Drain" }), "Drain it");
    await expect.poll(() => row.innerText(), SOON).toContain("draining");
    const bob = await enter("drain", "Bob");
    expect(bob.shard).not.toBe(ada.shard);
    await row.getByRole("button", { name: "Activate" }).click();
    await expect.poll(() => row.innerText(), SOON).toMatch(/\bactive\b/);
  });

  it("evicts a room, which restarts with its state", async () => {
    const inspector = await Inspector.open(browser, server.url, "#/room/main/game-evicted");
    const { page } = inspector;
    await page.locator("#user-token").fill(await login(server.url, "Operator"));
    await page.locator("#action").selectOption("say");
    await page.getByLabel("value").fill("before");
    await page.getByRole("button", { name: "Send say" }).click();
    await expect.poll(() => page.getByLabel("Answer").innerText(), SOON).toBe("done");
    const who = await page.getByText(/^open, as /).innerText();
    await expect.poll(() => inspector.tile("messages in all"), SOON).toMatch(/^[1-9]/);
    const sockets = inspector.urls.filter((url) => url.startsWith("ws:")).length;
    await inspector.confirm(page.getByRole("button", { name: "Evict…" }), "Save and close its sockets");
    await page.getByText("The object was evicted").waitFor();
    // The client in the page reconnects by itself, as the same user.
    await expect
      .poll(() => inspector.urls.filter((url) => url.startsWith("ws:")).length, SOON)
      .toBeGreaterThan(sockets);
    await expect.poll(() => page.locator(".card .buttons [role=status]").innerText(), SOON).toBe(who);
    await inspector.tree.locator("details", { hasText: "chat" }).locator("details > summary").last().click();
    await expect.poll(() => inspector.tree.innerText(), SOON).toContain('"before"');
    await expect.poll(() => inspector.tile("connections"), SOON).toBe("1");
    expect(await inspector.tile("unconfirmed")).toMatch(/^\d.*, 0 behind, 0 caught up, 0 closed$/);
  });

  it("sends no requests while it is not visible", async () => {
    const { page, urls } = await Inspector.open(browser, server.url, "#/room/main/game-hidden");
    const asked = () => urls.filter((url) => url.includes("$inspect")).length;
    await expect.poll(asked, SOON).toBeGreaterThan(1);
    const hide = (isHidden: boolean) =>
      page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { configurable: true, value });
        document.dispatchEvent(new Event("visibilitychange"));
      }, isHidden);
    await hide(true);
    const before = asked();
    await page.waitForTimeout(2500);
    // A request may have been in flight when the page was hidden.
    expect(asked() - before).toBeLessThanOrEqual(1);
    await hide(false);
    await expect.poll(() => asked() - before, SOON).toBeGreaterThan(2);
  });

  describe("of another service", () => {
    let toy: DevServer;
    beforeAll(async () => {
      const cwd = join(import.meta.dirname, "../inspector/toy");
      toy = await startDevServer({ port: await freePort(), persistTo: join(folder, "toy"), cwd });
    });
    afterAll(() => toy?.kill());

    it("makes forms for unions, lists and optional values", async () => {
      const { page } = await Inspector.open(browser, toy.url, "#/room/main/toy-1");
      const form = page.locator("form.action");
      const answer = page.getByLabel("Answer");
      const send = () => page.getByRole("button", { name: "Send everything" }).click();
      await form.getByLabel("level").selectOption("3");
      await form.getByLabel("shape").selectOption('kind: "box"');
      await form.getByLabel("width").fill("7");
      await form.getByLabel("pair").fill('["a",');
      await send();
      await form.locator(".problem:visible", { hasText: "This is not valid JSON" }).waitFor();
      await form.getByLabel("pair").fill("");
      await send();
      // The height of the box and the x of the point are missing.
      await expect.poll(() => answer.innerText(), SOON).toMatch(/shape\.height: [\s\S]*points\.0\.x: /);
      expect(await form.locator(".problem:visible").count()).toBe(2);
      await form.getByLabel("height").fill("8");
      await form.getByLabel("note").first().selectOption("null");
      await form.getByLabel("size").selectOption("object");
      await form.getByLabel("width").last().fill("9");
      await form.getByRole("group", { name: "0", exact: true }).getByLabel("x").fill("1");
      await form.getByRole("button", { name: "Add to points" }).click();
      await form.getByRole("group", { name: "1", exact: true }).getByLabel("x").fill("2");
      await send();
      const value = {
        level: 3,
        shape: { kind: "box", width: 7, height: 8 },
        note: null,
        size: { width: 9, unit: "px" },
        points: [{ x: 1 }, { x: 2 }],
      };
      await expect.poll(async () => JSON.parse(await answer.innerText()) as unknown, SOON).toEqual(value);
    });

    it("stays small on a phone with 1,000 users and 300 fields, and finds each of them", async () => {
      const crowd = await Crowd.enter(toy.url, "wide-1", 1000);
      onTestFinished(() => crowd.leave());
      const last = crowd.publicIds.at(-1) ?? "";
      const inspector = await Inspector.open(browser, toy.url, "#/room/main/wide-1", PHONE);
      const { page, tree } = inspector;
      await expect.poll(() => inspector.tile("users online"), SOON).toBe("1,000");
      const rows = inspector.table("Sessions").locator("tbody tr");
      await expect.poll(() => rows.count(), SOON).toBe(50);
      await page.getByText("50 of 1,000").first().waitFor();
      await page.getByRole("button", { name: "Show more" }).first().click();
      await page.getByText("100 of 1,000").waitFor();
      await tree.getByText("201 more are not shown").waitFor();
      expect(await page.locator("*").count()).toBeLessThan(1600);
      expect(await overflowOf(page)).toBeLessThanOrEqual(0);

      // A refresh leaves elements unchanged whose values did not change.
      const changes = await page.evaluate(async () => {
        let count = 0;
        const seen = new MutationObserver((records) => (count += records.length));
        for (const part of document.querySelectorAll(".tree, tbody"))
          seen.observe(part, { subtree: true, childList: true });
        const asked = () => performance.getEntriesByType("resource").filter(({ name }) => name.includes("$inspect"));
        const { length } = asked();
        while (asked().length < length + 3) await new Promise((resolve) => setTimeout(resolve, 50));
        return count;
      });
      expect(changes).toBe(0);

      await page.getByLabel("Find a user").fill(last);
      await expect.poll(() => rows.allInnerTexts(), SOON).toEqual([expect.stringContaining(last)]);
      await page.getByLabel("Find a field or an entry").fill("FIELD_299");
      await expect.poll(() => tree.innerText(), SOON).toMatch(/^field_299\s*not sent\s*"299: long long/);
      await page.getByLabel("Find a field or an entry").fill(`players.${last}`);
      await expect.poll(() => tree.innerText(), SOON).toContain('"Somebody"');
      expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    });
  });

  it("fits a phone, and can be used with the keyboard only", async () => {
    await enter("phone");
    const { page } = await Inspector.open(browser, server.url, "", { width: 360, height: 740 });
    await page.getByLabel("Room").focus();
    await page.keyboard.type("game-phone");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "main/game-phone" }).waitFor();
    await expect.poll(() => page.getByRole("group", { name: "State" }).innerText(), SOON).toContain("players");
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
    await page.goto(`${server.url}/inspector${WORLD}`);
    await page.getByRole("table", { name: "Shards" }).getByRole("row").nth(1).waitFor();
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
  });

  it("accepts an operator's token, which never is in a URL", { timeout: 120_000 }, async () => {
    const envFile = join(folder, "closed.env");
    await writeFile(envFile, `AUTH_JWT_SECRET="${SECRET}"\nSHARD_SECRET="${SECRET}"\n`);
    const closed = await startDevServer({ port: await freePort(), persistTo: join(folder, "closed"), envFile });
    onTestFinished(() => closed.kill());
    const sign = (claims: Record<string, unknown>) =>
      new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(SECRET));
    const { page, urls } = await Inspector.open(browser, closed.url, "#/room/main/game-closed");
    const signIn = async (token: string) => {
      await page.getByLabel("Token").fill(token);
      await page.getByRole("button", { name: "Sign in" }).click();
    };
    await signIn("nonsense");
    await page.getByText("The token is not valid").waitFor();
    const token = await sign({ aud: "durable-rooms-operator", inspect: "main/game-closed" });
    await signIn(token);
    await page.getByRole("heading", { name: "main/game-closed" }).waitFor();
    await expect.poll(() => page.locator('.tiles [data-name="connections"]').innerText(), SOON).toBe("0");
    await page.getByRole("button", { name: "Evict…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Save and close its sockets" }).click();
    await page.getByText(/The object was not evicted: .*claim "manage"/).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(urls.join(" ")).not.toContain(token);
    expect(await page.evaluate(() => sessionStorage.length + localStorage.length)).toBe(0);
  });
});
