import type { Browser, BrowserContext, Page } from "playwright-core";
import { FIELD } from "../../src/demo/rules.ts";
import { BinaryTexts } from "../support/binary-texts.ts";

interface Tile {
  readonly x: number;
  readonly y: number;
}

/** A row of the score board. */
export interface Row {
  readonly id: string;
  readonly name: string;
  readonly score: number;
  readonly isOnline: boolean;
  readonly isMe: boolean;
}

export interface JoinOptions {
  readonly button?: "Join" | "Join through the World";
  readonly colorScheme?: "light" | "dark";
}

/** A row of the list of shards. */
export interface ShardRow {
  readonly id: string;
  readonly count: string;
  readonly note: string;
}

/** A person with a browser of their own. */
export class Player {
  readonly page: Page;
  /** Every packet that the page's sockets received, as text. */
  readonly frames: string[] = [];
  readonly #binary = new BinaryTexts();
  /** Errors in the page. */
  readonly problems: string[] = [];
  readonly #context: BrowserContext;

  /** @param options.button the button that they click to join */
  static async join(
    browser: Browser,
    url: string,
    name: string,
    room: string,
    { button = "Join", ...options }: JoinOptions = {},
  ): Promise<Player> {
    // Animations would leave too little of a small machine's time to the tests.
    const look = { viewport: { width: 1200, height: 800 }, reducedMotion: "reduce" } as const;
    const context = await browser.newContext({ ...look, ...options });
    const player = new Player(context, await context.newPage());
    await player.page.goto(`${url}/#${room}`);
    await player.page.getByLabel("Your name").fill(name);
    await player.page.getByRole("button", { name: button, exact: true }).click();
    await player.status("Online");
    return player;
  }

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    page.on("websocket", (socket) => {
      socket.on(
        "framereceived",
        ({ payload }) => void (payload === "pong" || this.frames.push(this.#binary.textOf(payload))),
      );
    });
    page.on("pageerror", (error) => void this.problems.push(String(error)));
  }

  /** Waits until the page shows this connection status. */
  async status(text: string): Promise<void> {
    await this.page.locator("#status", { hasText: text }).waitFor({ timeout: 45_000 });
  }

  async board(): Promise<Row[]> {
    return this.page.locator("#board > li").evaluateAll((rows) =>
      rows.map((row) => ({
        id: row.getAttribute("data-player") ?? "",
        name: row.querySelector(".name")?.textContent ?? "",
        score: Number(row.querySelector(".score")?.textContent),
        isOnline: !row.classList.contains("away"),
        isMe: row.classList.contains("me"),
      })),
    );
  }

  /** The names on the score board, each with "online" or "offline", in alphabetical order. */
  async present(): Promise<string[]> {
    const rows = await this.board();
    return rows.map(({ name, isOnline }) => `${name} ${isOnline ? "online" : "offline"}`).toSorted();
  }

  async scoreOf(name: string): Promise<number | undefined> {
    return (await this.board()).find((row) => row.name === name)?.score;
  }

  async id(): Promise<string> {
    return (await this.board()).find((row) => row.isMe)?.id ?? "";
  }

  async positionOf(id: string): Promise<Tile> {
    const [tile] = await this.#tiles(`#players > [data-player="${id}"]`);
    if (!tile) throw new Error(`There is no player ${id} on the field`);
    return tile;
  }

  async coins(): Promise<Tile[]> {
    return this.#tiles("#coins > .coin");
  }

  async nearestCoin(): Promise<Tile> {
    const at = await this.positionOf(await this.id());
    const distance = ({ x, y }: Tile) => Math.max(Math.abs(x - at.x), Math.abs(y - at.y));
    const [nearest] = (await this.coins()).toSorted((a, b) => distance(a) - distance(b));
    if (!nearest) throw new Error("There are no coins on the field");
    return nearest;
  }

  /** Clicks on a tile of the field. */
  async walkTo({ x, y }: Tile): Promise<void> {
    const box = await this.#fieldAtRest();
    const position = { x: ((x + 0.5) / FIELD.width) * box.width, y: ((y + 0.5) / FIELD.height) * box.height };
    await this.page.locator("#field").click({ position });
  }

  /** Where the field is. After a resize, its size may change for some frames: a click would hit another tile. */
  async #fieldAtRest() {
    const field = this.page.locator("#field");
    for (let before = ""; ;) {
      const box = await field.boundingBox();
      if (!box) throw new Error("There is no field");
      if (JSON.stringify(box) === before) return box;
      before = JSON.stringify(box);
      await this.page.evaluate(
        () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
      );
    }
  }

  async say(text: string): Promise<void> {
    await this.page.getByLabel("Say something").fill(text);
    await this.page.getByRole("button", { name: "Send" }).click();
  }

  async shards(): Promise<ShardRow[]> {
    return this.page.locator("#shards > li").evaluateAll((rows) =>
      rows.map((row) => ({
        id: row.getAttribute("data-shard") ?? "",
        count: row.querySelector(".count")?.textContent ?? "",
        note: row.querySelector(".note")?.textContent ?? "",
      })),
    );
  }

  /** The shard that this page is connected to, according to its list. */
  async ownShard(): Promise<ShardRow | undefined> {
    return (await this.shards()).find(({ note }) => note.includes("you are here"));
  }

  /** The latency that the page shows. */
  async latency(): Promise<string> {
    return (await this.page.locator("#latency").textContent()) ?? "";
  }

  async texts(): Promise<string[]> {
    return this.page.locator("#chat .text").allTextContents();
  }

  async treasure(): Promise<string> {
    return (await this.page.locator("#treasure").textContent()) ?? "";
  }

  async close(): Promise<void> {
    await this.#context.close();
  }

  async #tiles(selector: string): Promise<Tile[]> {
    return this.page.locator(selector).evaluateAll((elements) =>
      elements.map((element) => {
        const { style } = element;
        return { x: Number(style.getPropertyValue("--x")), y: Number(style.getPropertyValue("--y")) };
      }),
    );
  }
}
