import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isChromiumMissing, launchChromium } from "./chromium.ts";
import { freePort, startDevServer } from "./dev-server.ts";
import type { DevServer } from "./dev-server.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const SOON = { timeout: 20_000, interval: 50 };
/** How fast a player of the game runs, in pixels per second. */
const SPEED = 320;
/** The game's inputs per second. */
const HZ = 30;
/** How long the player runs to each side, in ms: so short that it stays away from the side of the field. */
const RUN = 800;
/** A player that was stopped by a wall before it had run so far, in pixels, shows nothing. */
const SHORTEST_RUN = 100;

/** One frame of the page: its time, and where the user's own player was drawn. */
interface Frame {
  readonly at: number;
  readonly x: number;
}

function distance(from: Frame | undefined, to: Frame | undefined): number {
  return Math.abs((to?.x ?? NaN) - (from?.x ?? NaN));
}

/** How long each frame but the first was after the one before, and how far the player moved. */
function stepsOf(frames: readonly Frame[]) {
  return frames.slice(1).map((frame, index) => {
    const before = frames[index] as Frame;
    return { ms: frame.at - before.at, way: distance(before, frame) };
  });
}

/** The game that `create --template action` makes, with the package of this project. Needs a build. */
describe.skipIf(isChromiumMissing())("the action game with a round trip of 150 ms, simulated in the page", () => {
  let browser: Browser;
  let server: DevServer;
  let folder: string;
  let persistTo: string;
  beforeAll(async () => {
    // Inside of node_modules, so that its other packages are found.
    folder = await mkdtemp(join(ROOT, "node_modules/.action-"));
    persistTo = await mkdtemp(join(tmpdir(), "durable-rooms-"));
    await cp(join(ROOT, "src/templates/action"), folder, { recursive: true });
    await mkdir(join(folder, "node_modules"));
    await symlink(ROOT, join(folder, "node_modules/durable-rooms"));
    server = await startDevServer({ port: await freePort(), persistTo, cwd: folder });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.kill();
    for (const path of [folder, persistTo]) await rm(path, { recursive: true });
  });

  async function play(name: string): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    page.on("pageerror", (error) => expect.fail(error.message));
    await page.goto(server.url);
    await page.getByLabel("You are").fill(name);
    await page.getByLabel("You are").press("Enter");
    await expect.poll(() => page.locator("#scores li").count(), SOON).toBeGreaterThan(0);
    await page.getByLabel("Round trip").fill("150");
    // Wait until inputs are on their way for the longer round trip.
    await expect.poll(() => page.locator("#numbers").textContent(), SOON).toMatch(/[1-9]\d* inputs unanswered/);
    return page;
  }

  /** Runs to one side and back, without a pause, and returns what the page drew. */
  function runAndTurn(page: Page) {
    return page.evaluate(async (run) => {
      const canvas = document.querySelector("canvas") as HTMLCanvasElement;
      const context = canvas.getContext("2d") as CanvasRenderingContext2D;
      const frame = () => new Promise<number>((drawn) => requestAnimationFrame(drawn));
      const x = () => Number(canvas.dataset["x"]);
      /** All pixels, as one number. */
      const pixels = () => {
        let sum = 0;
        const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
        for (let at = 0; at < data.length; at += 4) sum = (sum * 31 + (data[at] as number)) % 1_000_003;
        return sum;
      };
      const key = (type: string, code: string) =>
        canvas.dispatchEvent(new KeyboardEvent(type, { code, bubbles: true }));
      // To the middle, so that there is space on both sides.
      const way = x() < 600 ? ["ArrowRight", "ArrowLeft"] : ["ArrowLeft", "ArrowRight"];
      // Nothing moves before the key press: the first pixel that changes is the answer to it.
      for (let count = 0; count < 60; count++) await frame();
      const still = pixels();
      const pressedAt = performance.now();
      key("keydown", way[0] as string);
      let waited = 0;
      while (pixels() === still && waited < 200) {
        await frame();
        waited++;
      }
      const shownAt = performance.now();
      const draws = async () => {
        const frames: { at: number; x: number }[] = [];
        for (const end = performance.now() + run; performance.now() < end;) frames.push({ at: await frame(), x: x() });
        return frames;
      };
      const there = await draws();
      key("keyup", way[0] as string);
      key("keydown", way[1] as string);
      const back = await draws();
      key("keyup", way[1] as string);
      // The page writes its numbers twice a second.
      const numbers = document.querySelector("#numbers") as HTMLElement;
      await new Promise((written) =>
        new MutationObserver(written).observe(numbers, { childList: true, characterData: true, subtree: true }),
      );
      return { waited, ms: shownAt - pressedAt, there, back, numbers: numbers.textContent ?? "" };
    }, RUN);
  }

  it("shows a key press in the next frames, without jumps", async () => {
    const page = await play("Ada");
    const corrections = (numbers: string) => Number(/(\d+) corrections/.exec(numbers)?.[1]);
    // If the machine stops the page or the room for more than a quarter of a second, the room drops inputs, and the page
    // has to correct itself. Measure again then, and if a wall stopped the player at once: it is away from that wall now.
    let before: number;
    let found: Awaited<ReturnType<typeof runAndTurn>>;
    let length: number;
    let attempts = 0;
    do {
      before = corrections((await page.locator("#numbers").textContent()) ?? "");
      found = await runAndTurn(page);
      length = distance(found.there[0], found.there.at(-1));
      attempts++;
    } while ((corrections(found.numbers) > before || length < SHORTEST_RUN) && attempts < 5);
    console.log(`from key to pixel: ${found.waited} frames, ${Math.round(found.ms)} ms; ${found.numbers}`);
    expect(corrections(found.numbers)).toBe(before);
    // The first frame after the key press may have begun before it.
    expect(found.waited).toBeLessThanOrEqual(2);
    const { there, back } = found;
    const steps = stepsOf([...there, ...back]);
    // A player moves as far as it runs in the time of a frame, but not if the page was stopped for longer than
    // `LONGEST_FRAME`. At the turn, up to one input was shown in the wrong direction, which takes 100 ms to disappear.
    for (const { ms, way } of steps) {
      const turn = 2 * (1000 / HZ) * (1 - Math.max(1 - ms / 100, 0) ** 2);
      expect(way).toBeLessThanOrEqual((SPEED * (Math.min(ms, 250) + turn)) / 1000 + 1);
    }
    // No wall is on the way back, until it is where it began. With a picture for each input only, half of the frames of a
    // usual screen would show no movement.
    const free = stepsOf(back).filter((_, index) => distance(there.at(-1), back[index]) < length);
    expect(length).toBeGreaterThanOrEqual(SHORTEST_RUN);
    expect(free.filter(({ way }) => way > 0).length).toBeGreaterThan(free.length * 0.6);
  });

  it("shows others that the player runs, and what it collects", async () => {
    const [ada, bob] = [await play("Ada 2"), await play("Bob")];
    const scores = (page: Page) => page.locator("#scores li").allTextContents();
    await expect.poll(async () => (await scores(bob)).some((text) => text.startsWith("Ada 2")), SOON).toBe(true);
    await ada.locator("#arena").focus();
    // She collects a gem sooner or later: they lie everywhere.
    await expect
      .poll(
        async () => {
          for (const key of ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"]) {
            await ada.keyboard.down(key);
            await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 900));
            await ada.keyboard.up(key);
          }
          const score = (await scores(bob)).find((text) => text.startsWith("Ada 2"));
          return Number(score?.split(" ").at(-1));
        },
        { timeout: 60_000 },
      )
      .toBeGreaterThan(0);
  });
});
