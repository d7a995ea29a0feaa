/** Tokens of transfers, and JWTs, in any text. */
const TOKEN = /\beyJ[\w-]+\.[\w-]+\.[\w-]*|(?<![\w-])[\w-]{43}(?![\w-])/g;
/** A string of JSON. */
const LITERAL = /"(?:[^"\\]|\\.)*"/g;
const HIDDEN = "(private)";

/** Says whether a text is the private id of somebody. */
export type IsPrivate = (text: string) => boolean;

/** A text without tokens; and nothing of it, if all of it is a private id. */
export function hide(text: string, isPrivate: IsPrivate): string {
  return isPrivate(text) ? HIDDEN : text.replace(TOKEN, HIDDEN);
}

/** JSON, or its beginning, whose strings have nothing private. */
export function hideInJson(json: string, isPrivate: IsPrivate): string {
  return json
    .replace(LITERAL, (literal) => {
      const text = parse(literal);
      return text === undefined || !isPrivate(text) ? literal : JSON.stringify(HIDDEN);
    })
    .replace(TOKEN, HIDDEN);
}

function parse(literal: string): string | undefined {
  try {
    return JSON.parse(literal) as string;
  } catch {
    return undefined;
  }
}
