import { session } from "./api.ts";
import { make } from "./dom.ts";

const COMMAND = "npx durable-rooms token --worlds '*' --claim 'inspect=*' --claim 'manage=*'";

/** Asks for an operator's token. */
export function signIn(problem: string, onToken: () => void): HTMLElement {
  const token = make("input", {
    type: "password",
    id: "token",
    autocomplete: "off",
    required: "",
    spellcheck: "false",
  });
  const form = make(
    "form",
    { class: "card sign-in" },
    make("h1", {}, "Sign in as an operator"),
    make("p", { class: "note" }, "Create a token with this command: "),
    make("pre", {}, COMMAND),
    make("label", { class: "field" }, make("span", { class: "name" }, "Token"), token),
    make("p", { class: "problem", role: "alert" }, problem),
    make("button", { type: "submit", class: "primary" }, "Sign in"),
    make("p", { class: "note" }, "The token stays in this tab. It is sent only in a header."),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    session.token = token.value.trim();
    onToken();
  });
  return form;
}
