import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import type { Plugin } from "esbuild";
import type { BrowserContext, Page } from "playwright-core";
import { compile } from "svelte/compiler";

const CLIENTS = join(import.meta.dirname, "clients");
const svelte: Plugin = {
  name: "svelte",
  setup(esbuild) {
    esbuild.onLoad({ filter: /\.svelte$/ }, async ({ path }) => ({
      contents: compile(await readFile(path, "utf8"), { filename: path, generate: "client" }).js.code,
    }));
  },
};

/** Bundles a script of `clients` as a page would load it, with the development build of its framework. */
async function bundle(name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(CLIENTS, `${name}.js`)],
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["browser", "development"],
    define: {
      "process.env.NODE_ENV": '"development"',
      __VUE_OPTIONS_API__: "true",
      __VUE_PROD_DEVTOOLS__: "false",
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
    },
    plugins: [svelte],
    write: false,
    logLevel: "warning",
  });
  return outputFiles[0]?.text ?? "";
}

/** The globals that the pages of `clients` have. */
export interface ClientPage {
  readonly game: {
    readonly id: string | undefined;
    readonly publicId: string | undefined;
    readonly status: string;
    readonly state: { readonly count: number; readonly players: Record<string, { online: boolean }> };
    call(action: string, value?: unknown): Promise<unknown>;
    emit(action: string, value?: unknown): void;
    on(type: string, listener: (value: never) => void): void;
    close(): void;
  };
  readonly counts: { renders: number; selections: number };
  mount(): void;
  unmount(): void;
  pick(name: string): void;
  enter(room: string): void;
}
declare global {
  interface Window extends ClientPage {}
}

/** Serves a page for each script of `clients`, under the address of the service. */
export async function servePages(context: BrowserContext): Promise<void> {
  await allowLocal(context);
  await context.route(/\/pages\/(\w+)\.(html|js)/, async (route) => {
    const { pathname } = new URL(route.request().url());
    const name = pathname.slice("/pages/".length).split(".")[0] as string;
    if (pathname.endsWith(".js")) return route.fulfill({ contentType: "text/javascript", body: await bundle(name) });
    const html = `<!doctype html><div id="out"></div><script type="module" src="/pages/${name}.js"></script>`;
    await route.fulfill({ contentType: "text/html", body: html });
  });
}

/** Waits until the client of a page is connected. */
export async function isOpen(page: Page): Promise<void> {
  await page.waitForFunction(() => window.game?.status === "open");
}

/** Pages whose requests are intercepted count as pages from the internet, which need permission for local addresses. */
export async function allowLocal(context: BrowserContext): Promise<void> {
  await context.grantPermissions(["local-network-access"]);
}
