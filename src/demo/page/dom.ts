/** The element with this id, which the page has. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`The page has no #${id}`);
  return element as T;
}

/** Makes an element. Children that are text stay text, whatever they contain. */
export function make(tag: string, className = "", ...children: (Node | string)[]): HTMLElement {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
}

/** The element inside another that has this class. */
export function part(element: Element, className: string): HTMLElement {
  return element.getElementsByClassName(className)[0] as HTMLElement;
}

/** Writes text only where it changed, so that nothing is laid out or read aloud again. */
export function write(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export interface Drawing<T> {
  readonly create: (item: T, key: string) => HTMLElement;
  readonly update: (element: HTMLElement, item: T, key: string) => void;
  /** Takes the element away; default: at once. */
  readonly remove?: (element: HTMLElement) => void;
}

/** Keeps one element for each item, by key, in the order of the items. Returns what draws them. */
export function createList<T>(parent: HTMLElement, { create, update, remove }: Drawing<T>) {
  const elements = new Map<string, HTMLElement>();
  return (items: readonly (readonly [key: string, item: T])[]): void => {
    const keys = new Set(items.map(([key]) => key));
    for (const [key, element] of elements) {
      if (keys.has(key)) continue;
      elements.delete(key);
      if (remove) remove(element);
      else element.remove();
    }
    let previous: HTMLElement | undefined;
    for (const [key, item] of items) {
      let element = elements.get(key);
      if (!element) {
        element = create(item, key);
        elements.set(key, element);
      }
      update(element, item, key);
      place(parent, element, previous);
      previous = element;
    }
  };
}

function place(parent: HTMLElement, element: HTMLElement, previous: HTMLElement | undefined): void {
  if (element.parentNode !== parent) {
    if (previous) previous.after(element);
    else parent.prepend(element);
    return;
  }
  // Moving an element ends its transitions: only those that are out of order move.
  if (previous && !(previous.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING))
    previous.after(element);
}
