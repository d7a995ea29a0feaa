import { CallError, connectRoom } from "../../client/index.ts";
import type { RoomClient } from "../../client/index.ts";
import type { AnyRoom } from "../../define/room.ts";
import type { ActionList, ActionView } from "../types.ts";
import { BASE } from "./api.ts";
import { button, card, make } from "./dom.ts";
import { ValueForm } from "./form.ts";
import type { Schema } from "./schema.ts";
import { Tree, treeOf } from "./tree.ts";

const JOINS =
  "This joins the room as a user of its own: the others see one more, and the room's guards and limits hold. It leaves with the view.";
const TOKEN = "A user's token, if the room wants one, not your operator's: it is in the socket's URL.";

/** A client may get many patches in a second: what it sees is drawn this often at most, in ms. */
const DRAW_EVERY = 100;

/** A client of the room, by its name and not by its types. */
interface AnyClient extends Pick<RoomClient<AnyRoom>, "on" | "close" | "status" | "publicId"> {
  call(action: string, value: unknown): Promise<unknown>;
  subscribe(listener: (state: unknown) => void): () => void;
}

/** Joins a room as a user: shows what a client sees, and sends actions. */
export class Actions {
  readonly element: HTMLElement;
  readonly #party: string;
  readonly #room: string;
  readonly #token = make("input", { type: "password", autocomplete: "off", id: "user-token" });
  readonly #join = button("Join as a user", () => this.#toggle(), "primary");
  readonly #state = make("p", { class: "note", role: "status" });
  readonly #choice = make("select", { id: "action" });
  readonly #form = make("form", { class: "action", novalidate: "" });
  readonly #result = make("pre", { class: "result", role: "status", "aria-label": "Answer" });
  readonly #tree = new Tree("What this client sees");
  readonly #seen = make("div", { hidden: "" }, make("h3", {}, "What this client sees"), this.#tree.element);
  #name = "";
  #value = new ValueForm();
  #client: AnyClient | undefined;
  #known: unknown;
  #isDrawing = false;

  constructor(party: string, room: string, { actions, takesOthers, needsToken }: ActionList) {
    [this.#party, this.#room] = [party, room];
    const byName = new Map(actions.map((action) => [action.name, action]));
    this.#choice.append(...actions.map(({ name }) => make("option", { value: name }, name)));
    this.#choice.addEventListener("change", () => this.#show(byName.get(this.#choice.value)));
    const hint = needsToken ? "The room needs one. " : "";
    const none = takesOthers ? "It has no named actions." : "It has no actions.";
    this.element = card(
      "Actions",
      make("p", { class: "note" }, JOINS),
      make(
        "label",
        { class: "field" },
        make("span", { class: "name" }, "Token ", make("small", {}, hint + TOKEN)),
        this.#token,
      ),
      make("div", { class: "buttons" }, this.#join, this.#state),
      actions.length === 0
        ? make("p", { class: "note" }, none)
        : make("label", { class: "field" }, make("span", { class: "name" }, "Action"), this.#choice),
      this.#form,
      this.#result,
      this.#seen,
    );
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    this.#show(actions[0]);
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  #show(action: ActionView | undefined): void {
    this.#say("", "");
    if (!action) return;
    this.#name = action.name;
    this.#value = new ValueForm(action.input as Schema | undefined);
    const send = make("button", { type: "submit", class: "primary" }, `Send ${action.name}`);
    this.#form.replaceChildren(this.#value.element, send);
  }

  #submit(event: Event): void {
    event.preventDefault();
    try {
      void this.#send(this.#name, this.#value.read(), this.#value);
    } catch {
      this.#say("bad", "What was typed is no JSON");
    }
  }

  async #send(name: string, value: unknown, form: ValueForm): Promise<void> {
    this.#say("", "…");
    try {
      const answer = await this.#connect().call(name, value);
      this.#say("good", answer === undefined ? "done" : JSON.stringify(answer, undefined, 2));
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      for (const { path, message } of error.issues) form.show(path, message);
      const issues = error.issues.map(({ path, message }) => `\n${path.join(".") || "value"}: ${message}`);
      this.#say("bad", `${error.code}: ${error.message}${issues.join("")}`);
    }
  }

  #say(tone: string, text: string): void {
    this.#result.dataset["tone"] = tone;
    this.#result.textContent = text;
  }

  #toggle(): void {
    if (!this.#client) {
      this.#connect();
      return;
    }
    this.close();
    this.#seen.hidden = true;
    this.#join.textContent = "Join as a user";
    this.#state.textContent = "left";
  }

  #connect(): AnyClient {
    if (this.#client) return this.#client;
    const client = connectRoom({
      host: BASE,
      party: this.#party,
      room: this.#room,
      ...(this.#token.value && { token: this.#token.value }),
    }) as unknown as AnyClient;
    this.#client = client;
    this.#join.textContent = "Leave";
    this.#seen.hidden = false;
    client.on("status", () => this.#showStatus(client));
    client.on("closed", ({ code, reason }) => {
      if (this.#client !== client) return;
      this.#client = undefined;
      this.#join.textContent = "Join as a user";
      this.#state.textContent = `refused: ${code} ${reason}`;
    });
    client.subscribe((state) => {
      this.#showStatus(client);
      this.#known = state;
      if (!this.#isDrawing) setTimeout(() => this.#drawKnown(), DRAW_EVERY);
      this.#isDrawing = true;
    });
    return client;
  }

  #drawKnown(): void {
    this.#isDrawing = false;
    this.#tree.draw(treeOf("state", this.#known));
  }

  #showStatus(client: AnyClient): void {
    if (this.#client !== client) return;
    const { status, publicId } = client;
    this.#state.textContent = publicId === undefined ? status : `${status}, as ${publicId}`;
  }
}
