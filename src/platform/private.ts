/** Tokens of transfers, and JWTs, inside of any text. */
const TOKEN = /\beyJ[\w-]+\.[\w-]+\.[\w-]*|(?<![\w-])[\w-]{43}(?![\w-])/g;
/** A string of JSON. */
const LITERAL = /"(?:[^"\\]|\\.)*"/g;
/** A part of a longer text that may be an id. A shorter part may be a word. */
const RUN = /[\w-]{16,}/g;
const HIDDEN = "(private)";

/** Whether a text is a private id. */
export type IsPrivate = (text: string) => boolean;

/** Removes tokens, and private ids that stand alone, from a text. Returns nothing if the text itself is one. */
export function hide(text: string, isPrivate: IsPrivate): string {
  return isPrivate(text) ? HIDDEN : hideInside(text, isPrivate);
}

function hideInside(text: string, isPrivate: IsPrivate): string {
  return text.replace(TOKEN, HIDDEN).replace(RUN, (run) => (isPrivate(run) ? HIDDEN : run));
}

/** Removes private strings from JSON, or from the beginning of JSON. */
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
