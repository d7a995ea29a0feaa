import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";

const PATH = process.env["CHROMIUM"] || "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Whether there is no browser to test in. Says so, loudly. */
export function isChromiumMissing(): boolean {
  const isMissing = !existsSync(PATH);
  if (isMissing)
    console.warn(
      `\n*** SKIPPED: nothing is tested in a browser, since there is no ${PATH}. Set CHROMIUM to one. ***\n`,
    );
  return isMissing;
}

export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: PATH, args: FLAGS });
}
