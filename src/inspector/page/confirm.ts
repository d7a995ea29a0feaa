import { byId } from "./dom.ts";

export interface Question {
  readonly title: string;
  readonly text: string;
  /** The text of the button that confirms. */
  readonly yes: string;
}

/** Asks before an action that cannot be undone. */
export function confirm({ title, text, yes }: Question): Promise<boolean> {
  const dialog = byId("confirm") as HTMLDialogElement;
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-yes").textContent = yes;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const listeners = new AbortController();
  const { signal } = listeners;
  byId("confirm-yes").addEventListener("click", () => dialog.close("yes"), { signal });
  byId("confirm-no").addEventListener("click", () => dialog.close("no"), { signal });
  dialog.addEventListener(
    "close",
    () => {
      listeners.abort();
      resolve(dialog.returnValue === "yes");
    },
    { signal },
  );
  dialog.returnValue = "no";
  dialog.showModal();
  return promise;
}
