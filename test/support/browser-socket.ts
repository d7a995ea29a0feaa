import { exports } from "cloudflare:workers";

/** A browser's WebSocket that connects to the Worker under test. PartySocket creates its sockets with this class. */
export class BrowserSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readyState = BrowserSocket.CONNECTING;
  binaryType: "blob" | "arraybuffer" = "blob";
  #ws: WebSocket | undefined;

  constructor(url: string) {
    super();
    void this.#connect(url);
  }
  async #connect(url: string): Promise<void> {
    const response = await exports.default.fetch(url.replace(/^ws/, "http"), { headers: { upgrade: "websocket" } });
    const ws = response.webSocket;
    if (!ws) return this.#ended(1006, "");
    ws.binaryType = this.binaryType;
    ws.accept();
    this.#ws = ws;
    this.readyState = BrowserSocket.OPEN;
    this.dispatchEvent(new Event("open"));
    ws.addEventListener("message", ({ data }) => this.dispatchEvent(new MessageEvent("message", { data })));
    ws.addEventListener("close", ({ code, reason }) => this.#ended(code, reason));
  }
  #ended(code: number, reason: string): void {
    this.readyState = BrowserSocket.CLOSED;
    this.dispatchEvent(new CloseEvent("close", { code, reason }));
  }
  send(text: string): void {
    this.#ws?.send(text);
  }
  close(code = 1000, reason = ""): void {
    this.#ws?.close(code, reason);
  }
}
