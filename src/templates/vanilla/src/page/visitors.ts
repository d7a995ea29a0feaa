interface Visitor {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly online: boolean;
}

const layer = document.getElementById("visitors") as HTMLElement;
const shown = new Map<string, HTMLElement>();

/** Shows who is here. Elements stay, so that they move. */
export function showVisitors(visitors: Readonly<Record<string, Visitor>>, me: string | undefined): void {
  for (const [publicId, element] of shown) if (!visitors[publicId]?.online) hide(publicId, element);
  for (const [publicId, visitor] of Object.entries(visitors))
    if (visitor.online) show(publicId, visitor, publicId === me);
}

/** A ring around somebody. */
export function showRing(publicId: string): void {
  const ring = document.createElement("i");
  ring.addEventListener("animationend", () => ring.remove());
  shown.get(publicId)?.append(ring);
}

function show(publicId: string, { name, x, y }: Visitor, isMe: boolean): void {
  const element = shown.get(publicId) ?? create(publicId);
  element.classList.toggle("me", isMe);
  element.classList.toggle("flipped", x > 0.5); // its name is inside of the stage then
  element.style.left = `${x * 100}%`;
  element.style.top = `${y * 100}%`;
  const label = element.querySelector("span") as HTMLElement;
  label.textContent = isMe ? `${name} (you)` : name;
}

function create(publicId: string): HTMLElement {
  const element = document.createElement("div");
  element.className = "visitor";
  element.style.setProperty("--hue", String(hueOf(publicId)));
  element.append(document.createElement("span"));
  shown.set(publicId, element);
  layer.append(element);
  return element;
}

function hide(publicId: string, element: HTMLElement): void {
  element.remove();
  shown.delete(publicId);
}

/** The same colour for the same visitor, in every window. */
function hueOf(publicId: string): number {
  let sum = 0;
  for (const character of publicId) sum = (sum * 31 + character.charCodeAt(0)) % 65_521;
  return (sum * 137.5) % 360; // ids that are alike get colours that are not
}
