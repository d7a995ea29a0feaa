/** Tokens of transfers, and JWTs, in any text. */
const TOKEN = /\beyJ[\w-]+\.[\w-]+\.[\w-]*|(?<![\w-])[\w-]{43}(?![\w-])/g;
/** A string of JSON. */
const LITERAL = /"(?:[^"\\]|\\.)*"/g;
/** What may be an id inside of a longer text: a shorter one may be a word as well. */
const RUN = /[\w-]{16,}/g;
const HIDDEN = "(private)";

/** Says whether a text is the private id of somebody. */
export type IsPrivate = (text: string) => boolean;

/** A text without tokens, and without private ids that stand in it by themselves; nothing of it, if it is one. */
export function hide(text: string, isPrivate: IsPrivate): string {
  return isPrivate(text) ? HIDDEN : hideInside(text, isPrivate);
}

function hideInside(text: string, isPrivate: IsPrivate): string {
  return text.replace(TOKEN, HIDDEN).replace(RUN, (run) => (isPrivate(run) ? HIDDEN : run));
}

/** JSON, or its beginning, whose strings have nothing private. */
export function hideInJson(json: string, isPrivate: IsPrivate): string {
  const whole = json.replace(LITERAL, (literal) => {
    const text = parse(literal);
    return text === undefined || !isPrivate(text) ? literal : JSON.stringify(HIDDEN);
  });
  return hideInside(whole, isPrivate);
}

function parse(literal: string): string | undefined {
  try {
    return JSON.parse(literal) as string;
  } catch {
    return undefined;
  }
}
