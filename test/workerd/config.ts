import type { ChildProcess } from "node:child_process";
import { createRequire } from "node:module";

/** What a bare workerd serves. The Worker is in `worker.js`, beside the configuration. */
export interface Served {
  /** The classes of its Durable Objects, by their bindings. */
  readonly objects: Readonly<Record<string, string>>;
  readonly vars: Readonly<Record<string, string>>;
  /** The folder where its objects are stored. */
  readonly storage: string;
  /** The port on which it listens. Default: a free port. */
  readonly port?: number;
  /** The port of another workerd, whose Worker is the binding `OTHER`. Both have to know the port of the other. */
  readonly other?: number;
  /** Compatibility flags. Default: those of `wrangler.toml`. */
  readonly flags?: readonly string[];
}

/** Connects a workerd to another one for calls of methods, instead of HTTP. */
const CALLS = 'capnpConnectHost = "calls"';

/** The same flags as in `wrangler.toml`. */
export const COMPATIBILITY_FLAGS: readonly string[] = ["no_web_socket_compression", "enable_request_signal"];

/** The configuration of a workerd that serves a Worker on a free port, with its objects in files. */
export function configOf({ objects, vars, storage, flags = COMPATIBILITY_FLAGS, port = 0, other }: Served): string {
  const classes = Object.values(objects);
  const bindings = [
    ...Object.entries(objects).map(([name, made]) => `(name = "${name}", durableObjectNamespace = "${made}")`),
    ...Object.entries(vars).map(([name, value]) => `(name = "${name}", text = ${JSON.stringify(value)})`),
  ];
  const services = [
    '(name = "main", worker = .main)',
    `(name = "disk", disk = (path = ${JSON.stringify(storage)}, writable = true))`,
  ];
  if (other !== undefined) {
    services.push(`(name = "other", external = (address = "127.0.0.1:${other}", http = (${CALLS})))`);
    bindings.push('(name = "OTHER", service = "other")');
  }
  const namespaces = classes.map((made) => `(className = "${made}", uniqueKey = "${made}", enableSql = true)`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${services.join(", ")}],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (${other === undefined ? "" : CALLS}), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-10-01",
  compatibilityFlags = [${flags.map((flag) => `"${flag}"`).join(", ")}],
  bindings = [${bindings.join(", ")}],
  durableObjectNamespaces = [${namespaces.join(", ")}],
  durableObjectStorage = (localDisk = "disk"),
);
`;
}

/** The path of the workerd that the project's wrangler installs. */
export function workerdPath(): string {
  const wrangler = createRequire(createRequire(import.meta.url).resolve("wrangler/package.json"));
  return (wrangler("workerd") as { default: string }).default;
}

/**
 * Waits until a workerd listens. It reports this on its control pipe, which is file descriptor 3.
 * @param events what to wait for: `listen`, or `listen-inspector`
 * @returns the ports by event
 */
export function portsOf<E extends string>(child: ChildProcess, ...events: E[]): Promise<Record<E, number>> {
  return new Promise((resolve) => {
    const ports = new Map<string, number>();
    let text = "";
    child.stdio[3]?.on("data", (chunk: Buffer) => {
      const lines = (text += chunk.toString()).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const { event, port } = JSON.parse(line) as { event: string; port: number };
        ports.set(event, port);
      }
      if (events.every((event) => ports.has(event))) resolve(Object.fromEntries(ports) as Record<E, number>);
    });
  });
}
