import { keptBy } from "./kept.ts";

const KEY = "durable-rooms.theme";

/** The page is as light or dark as the system, until the player says otherwise. */
export function followTheme(button: HTMLElement): void {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = keptBy(() => localStorage.getItem(KEY));
  if (chosen) root.dataset["theme"] = chosen;
  button.addEventListener("click", () => {
    const isDark = (root.dataset["theme"] ?? (system.matches ? "dark" : "light")) === "dark";
    const theme = isDark ? "light" : "dark";
    root.dataset["theme"] = theme;
    keptBy(() => localStorage.setItem(KEY, theme));
  });
}
