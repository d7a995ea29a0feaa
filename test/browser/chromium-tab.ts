import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { CHROMIUM, FLAGS } from "./chromium.ts";

interface Answer {
  readonly id?: number;
  readonly result?: Record<string, never>;
  readonly error?: { readonly message: string };
}

/**
 * A tab in a browser without emulation. It exists because Playwright makes every page a visible one.
 * https://chromedevtools.github.io/devtools-protocol/
 */
export class ChromiumTab {
  readonly #socket: WebSocket;
  readonly #end: () => Promise<void>;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #session = "";
  #id = 0;

  private constructor(socket: WebSocket, end: () => Promise<void>) {
    this.#socket = socket;
    this.#end = end;
    socket.on("message", (data: Buffer) => {
      const answer = JSON.parse(data.toString()) as Answer;
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
    });
  }

  static async open(url: string): Promise<ChromiumTab> {
    const profile = mkdtempSync(join(tmpdir(), "chromium-"));
    const flags = [...FLAGS, "--headless=new", "--remote-debugging-port=0", `--user-data-dir=${profile}`];
    const child = spawn(CHROMIUM, [...flags, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
    const exited = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
    const end = async () => {
      child.kill("SIGKILL");
      await exited;
      rmSync(profile, { recursive: true, force: true });
    };
    const address = await new Promise<string>((resolve) => {
      child.stderr.on("data", (text: Buffer) => {
        const [, found] = /DevTools listening on (ws:\S+)/.exec(text.toString()) ?? [];
        if (found !== undefined) resolve(found);
      });
    });
    const socket = new WebSocket(address);
    await new Promise((resolve) => void socket.once("open", resolve));
    const tab = new ChromiumTab(socket, end);
    const { targetId } = await tab.#send("Target.createTarget", { url });
    const { sessionId } = await tab.#send("Target.attachToTarget", { targetId, flatten: true });
    tab.#session = sessionId ?? "";
    return tab;
  }

  /** The value of an expression in the page. If it is a promise, the value that it resolves to. */
  async evaluate(expression: string): Promise<unknown> {
    const outcome = await this.#send(
      "Runtime.evaluate",
      { expression, awaitPromise: true, returnByValue: true },
      this.#session,
    );
    return (outcome["result"] as { readonly value?: unknown } | undefined)?.value;
  }

  /** Opens another tab in front of this one. */
  async hide(): Promise<void> {
    await this.#send("Target.createTarget", { url: "about:blank" });
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#end();
  }

  async #send(method: string, params: object, sessionId?: string): Promise<Record<string, string>> {
    const id = ++this.#id;
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) }));
    const { result, error } = await answer;
    this.#waiting.delete(id);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }
}
