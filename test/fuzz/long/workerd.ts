import { readFileSync } from "node:fs";
import type { Workerd } from "../../workerd/process.ts";

/** The service's secrets. They must never appear outside of it. */
export const SECRETS = {
  AUTH_JWT_SECRET: "a-secret-that-signs-tokens-of-the-fuzzed-service",
  SHARD_SECRET: "a-secret-that-shards-of-the-fuzzed-service-show",
} as const;

/** The resident memory, and the JavaScript heap that is in use after a garbage collection, in MB. */
export async function memoryOf({ pid, port, inspectorPort }: Workerd): Promise<{ resident: number; heap: number }> {
  // An idle isolate would answer the inspector only after a minute.
  const requests = setInterval(() => void fetch(`http://127.0.0.1:${port}/health`).catch(() => {}), 20);
  const heap = await heapOf(inspectorPort).finally(() => clearInterval(requests));
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return { resident: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024, heap };
}

/** Asks V8's inspector. https://chromedevtools.github.io/devtools-protocol/v8/Runtime/#method-getHeapUsage */
async function heapOf(port: number): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/main`);
  await new Promise((opened) => socket.addEventListener("open", opened));
  const ask = (id: number, method: string) =>
    new Promise<{ usedSize: number }>((answered) => {
      socket.addEventListener("message", ({ data }) => {
        const answer = JSON.parse(String(data)) as { id?: number; result: { usedSize: number } };
        if (answer.id === id) answered(answer.result);
      });
      socket.send(JSON.stringify({ id, method }));
    });
  await ask(1, "HeapProfiler.enable");
  await ask(2, "HeapProfiler.collectGarbage");
  const { usedSize } = await ask(3, "Runtime.getHeapUsage");
  socket.close();
  return usedSize / 2 ** 20;
}
