/** What an element is made of: text stays text, whatever it contains. */
export type Child = Node | string;

/** Makes an element. Nothing here, or anywhere in the page, makes HTML of text. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The element with this id, which the page has. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no #${id}`);
  return element;
}

/** Makes a button. */
export function button(text: string, onClick: () => void, className?: string): HTMLButtonElement {
  const element = make("button", { type: "button", class: className }, text);
  element.addEventListener("click", onClick);
  return element;
}

/** Makes a field to search with. `onInput` is called with what is typed, once somebody stops typing. */
export function searchField(label: string, onInput: (text: string) => void): HTMLInputElement {
  const element = make("input", { type: "search", placeholder: label, "aria-label": label, spellcheck: "false" });
  let timer: ReturnType<typeof setTimeout> | undefined;
  element.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => onInput(element.value.trim()), 150);
  });
  return element;
}

/** A part of a view, with a heading. */
export function card(title: string, ...children: readonly Child[]): HTMLElement {
  return make("section", { class: "card" }, make("h2", {}, title), ...children);
}

/** Writes text only where it changed, so that nothing is laid out, or read aloud, again. */
export function write(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export interface Drawing<T> {
  readonly create: (item: T, key: string) => HTMLElement;
  readonly update: (element: HTMLElement, item: T, key: string) => void;
}

/** Keeps one element for each item, by key, in the order of the items. @returns what draws them */
export function createList<T>(parent: Element, { create, update }: Drawing<T>) {
  const elements = new Map<string, HTMLElement>();
  return (items: readonly (readonly [key: string, item: T])[]): void => {
    const keys = new Set(items.map(([key]) => key));
    for (const [key, element] of elements) {
      if (keys.has(key)) continue;
      elements.delete(key);
      element.remove();
    }
    for (const [index, [key, item]] of items.entries()) {
      const element = elements.get(key) ?? create(item, key);
      elements.set(key, element);
      update(element, item, key);
      // One that moves loses the focus.
      const before = parent.children[index];
      if (before !== element) parent.insertBefore(element, before ?? null);
    }
  };
}
