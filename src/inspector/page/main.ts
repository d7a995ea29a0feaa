import type { ServiceView } from "../types.ts";
import { ApiError, ask, session } from "./api.ts";
import { byId, make } from "./dom.ts";
import { roomView, shardView } from "./object.ts";
import { poll } from "./poll.ts";
import { signIn } from "./sign-in.ts";
import { startView } from "./start.ts";
import type { View } from "./view.ts";
import { worldView } from "./world.ts";

const view = byId("view");
const status = byId("status");
const signOut = byId("sign-out");
let service: ServiceView | undefined;
let leave = () => {};

/** Opens the view of the URL. @throws URIError if it is malformed */
async function open(known: ServiceView): Promise<View> {
  const [kind, ...names] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const [first = "", second = ""] = names;
  if (kind === "world" && first) return worldView(first, say);
  if (kind === "shard" && first) return shardView(first, say);
  if (kind === "room" && second) return roomView(first, second, say);
  return startView(known);
}

/** Shows the view of the URL until the URL changes. */
async function show(): Promise<void> {
  leave();
  let isLeft = false;
  leave = () => void (isLeft = true);
  say("");
  try {
    service ??= await ask<ServiceView>("/inspector/service");
    const next = await open(service);
    if (isLeft) {
      next.close?.();
      return;
    }
    signOut.hidden = session.token === "";
    drawTrail(next.title);
    view.replaceChildren(next.element);
    const stop = poll(() => refresh(next), next.interval);
    leave = () => {
      stop();
      next.close?.();
    };
  } catch (error) {
    if (!isLeft) fail(error);
  }
}

async function refresh(current: View): Promise<void> {
  try {
    await current.refresh();
    document.body.dataset["state"] = "live";
  } catch (error) {
    document.body.dataset["state"] = "stale";
    if (error instanceof ApiError && error.status === 401) fail(error);
    else say((error as Error).message);
  }
}

function fail(error: unknown): void {
  leave();
  const isRefused = error instanceof ApiError && (error.status === 401 || error.status === 403);
  const { message } = error as Error;
  if (!isRefused) {
    view.replaceChildren(make("p", { class: "warning", role: "alert" }, message));
    return;
  }
  service = undefined;
  signOut.hidden = true;
  drawTrail("");
  view.replaceChildren(signIn(session.token ? message : "", () => void show()));
}

let quiet: ReturnType<typeof setTimeout> | undefined;
function say(text: string): void {
  status.textContent = text;
  clearTimeout(quiet);
  if (text) quiet = setTimeout(() => say(""), 6000);
}

function drawTrail(title: string): void {
  document.title = title ? `${title} – Inspector` : "Inspector";
  byId("trail").replaceChildren(
    make("li", {}, location.host),
    ...(title ? [make("li", { "aria-current": "page" }, title)] : []),
  );
}

signOut.addEventListener("click", () => {
  session.token = "";
  service = undefined;
  void show();
});
addEventListener("hashchange", () => void show());
void show();
