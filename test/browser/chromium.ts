import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";

export const CHROMIUM = process.env["CHROMIUM"] || "/usr/bin/chromium";
export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Whether Chromium is not installed. If so, prints a warning. */
export function isChromiumMissing(): boolean {
  const isMissing = !existsSync(CHROMIUM);
  if (isMissing)
    console.warn(
      `\n*** SKIPPED: nothing is tested in a browser, since there is no ${CHROMIUM}. Set CHROMIUM to one. ***\n`,
    );
  return isMissing;
}

export async function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...flags] });
}
