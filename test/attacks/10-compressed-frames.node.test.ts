import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeFrame, upgrade, Wire } from "../fuzz/long/raw.ts";
import { SECRETS } from "../fuzz/long/workerd.ts";
import { COMPATIBILITY_FLAGS } from "../workerd/config.ts";
import { bundleInto, startWorkerd } from "../workerd/process.ts";
import type { Workerd } from "../workerd/process.ts";

const FLAG = "no_web_socket_compression";
const ROOT = join(import.meta.dirname, "../..");
const OFFER = [["Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"]] as const;
/** The code of a close frame, as bytes: 1002. */
const PROTOCOL_ERROR = "\x03\xea";
const ROOM = "/parties/main/open-compressed?id=a";

describe("a socket to a room", () => {
  let workerd: Workerd;
  const folder = mkdtempSync(join(tmpdir(), "compressed-"));

  beforeAll(async () => {
    await bundleInto(folder, join(ROOT, "test/fuzz/worker.ts"));
    workerd = await startWorkerd(folder, SECRETS);
  }, 60_000);
  afterAll(async () => {
    await workerd.kill();
    rmSync(folder, { recursive: true });
  });

  it("is not compressed, whatever a client offers", async () => {
    const wire = new Wire(workerd.port);
    wire.write(upgrade(ROOM, OFFER));
    await wire.until((text) => text.includes("\r\n\r\n"));
    expect(wire.text).toContain("101 Switching Protocols");
    expect(wire.text.toLowerCase()).not.toContain("permessage-deflate");
    expect(await wire.until((text) => text.includes('"pId"'))).toBe(true);
    wire.destroy();
  });

  it("is closed before a small frame that unpacks to 30 MB reaches the room", async () => {
    const bomb = deflateRawSync(Buffer.alloc(30_000_000, "x"));
    expect(bomb.length).toBeLessThan(32_000);
    const wire = new Wire(workerd.port);
    wire.write(upgrade(ROOM, OFFER));
    await wire.until((text) => text.includes('"pId"'));
    // The first reserved bit marks a compressed message: RFC 7692, section 6.
    wire.write(encodeFrame({ opcode: 1, payload: bomb, reserved: 4 }));
    // 1002 means that the runtime refused the frame. With 1009 the message would have reached the room.
    expect(await wire.until((text) => text.includes(PROTOCOL_ERROR))).toBe(true);
    wire.destroy();
  });
});

describe("the flag that turns compression off", () => {
  const configs = [
    "wrangler.toml",
    "src/templates/action/wrangler.toml",
    "src/templates/vanilla/wrangler.toml",
    "src/templates/vite-react/wrangler.toml",
  ].concat(
    readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" })
      // These files are wrong on purpose: the command `doctor` finds their faults.
      .filter((path) => path.endsWith("wrangler.toml") && !/node_modules|doctor-old/.test(path))
      .map((path) => `test/${path}`),
  );

  it.each(configs)("is set in %s", (path) => {
    expect(readFileSync(join(ROOT, path), "utf8")).toMatch(
      new RegExp(`^compatibility_flags = \\[.*"${FLAG}".*\\]$`, "m"),
    );
  });

  it("is set in the workerd of the tests", () => {
    expect(COMPATIBILITY_FLAGS).toContain(FLAG);
  });

  it("is set in each configuration in the documentation", () => {
    const text = readFileSync(join(ROOT, "docs/deploying.md"), "utf8") + readFileSync(join(ROOT, "README.md"), "utf8");
    const whole = [...text.matchAll(/^```toml\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) =>
      block.includes("compatibility_date") ? [block] : [],
    );
    expect(whole.length).toBeGreaterThan(1);
    for (const block of whole) expect(block).toContain(FLAG);
  });
});
