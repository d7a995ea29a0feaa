import { tag, text } from "./file-text.ts";

/** The part of a request that is read. The context of a Hono handler has it. */
interface HandlerContext {
  readonly req: { header(name: string): string | undefined };
}

/**
 * A Hono handler that serves `durable-rooms/client` as one ES module, for pages without a bundler. The file has the
 * version of the Worker. It adds 14 KB (gzipped) to the Worker.
 *
 * @returns the file, or 304 if the browser has it
 * @example
 * import { createRooms } from "durable-rooms";
 * import { clientFile } from "durable-rooms/client-file";
 * const rooms = createRooms({ rooms: [gameRoom] });
 * rooms.app.get("/durable-rooms.js", clientFile); // <script type="module">import { connectRoom } from "/durable-rooms.js"
 * @@// // A deploy may have A new deploy may have another version.
 * @@// // Pages of other hosts Pages of other hosts may use it.
 */
export function clientFile({ req }: HandlerContext): Response {
  const headers = {
    "content-type": "text/javascript; charset=utf-8",
    // A deploy may have brought another one.
    "cache-control": "public, no-cache",
    // Pages of other hosts may use it, too.
    "access-control-allow-origin": "*",
    etag: tag,
  };
  if (req.header("if-none-match")?.includes(tag)) return new Response(null, { status: 304, headers });
  return new Response(text, { headers });
}
