import type { ServiceView } from "../types.ts";
import { card, make } from "./dom.ts";
import { links } from "./view.ts";
import type { View } from "./view.ts";

const BY_NAME =
  "Any room can be opened by its name, also a new one: Cloudflare does not tell which rooms there are. Looking at a room wakes it.";

/** The first view: Worlds, and a form to open a room by its name. */
export function startView(service: ServiceView): View {
  return {
    title: "",
    interval: 60_000,
    refresh: async () => {},
    element: make(
      "div",
      { class: "start" },
      ...(service.isOpen ? [make("p", { class: "warning" }, OPEN)] : []),
      ...(service.worlds === undefined ? [] : [card("Worlds", worlds(service.worlds))]),
      card("A room by its name", make("p", { class: "note" }, BY_NAME), roomForm(service)),
    ),
  };
}

const OPEN = 'Open: nobody needs a token here, since INSPECTOR is "open". Never deploy it like this.';

function worlds(ids: readonly string[] | null): HTMLElement {
  const list = (ids ?? ["world-default"]).map((id) =>
    make("li", {}, make("a", { class: "button", href: links.world(id) }, id)),
  );
  const chosen = make("ul", { class: "choices" }, ...list);
  if (ids !== null) return chosen;
  const name = make("input", { id: "world", placeholder: "world-default", "aria-label": "World" });
  const form = make("form", { class: "open" }, name, make("button", { type: "submit" }, "Open"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = links.world(name.value.trim() || "world-default");
  });
  return make("div", {}, chosen, form);
}

function roomForm({ rooms }: ServiceView): HTMLElement {
  const parties = [...new Set(rooms.map(({ party }) => party))];
  const party = make(
    "select",
    { id: "party", "aria-label": "Party" },
    ...parties.map((name) => make("option", {}, name)),
  );
  const paths = make("datalist", { id: "paths" }, ...rooms.map(({ path }) => make("option", { value: path })));
  const room = make("input", {
    id: "room",
    list: "paths",
    required: "",
    "aria-label": "Room",
    placeholder: rooms[0]?.path,
  });
  const form = make(
    "form",
    { class: "open" },
    party,
    room,
    paths,
    make("button", { type: "submit", class: "primary" }, "Open"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = links.room(party.value, room.value.trim());
  });
  const known = rooms.map((kind) => make("li", {}, make("code", {}, `${kind.party}/${kind.path}`)));
  return make(
    "div",
    {},
    form,
    make("p", { class: "note" }, "Its kinds of rooms:"),
    make("ul", { class: "kinds" }, ...known),
  );
}
