/** Letters, digits, and the two other characters of a URL-safe Base64: https://www.rfc-editor.org/rfc/rfc4648#section-5 */
export const URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
