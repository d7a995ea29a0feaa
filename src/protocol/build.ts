/**
 * What bundlers know of `globalThis` while they build. wrangler and `@cloudflare/vite-plugin` replace
 * `process.env.NODE_ENV` with `"production"` for a deploy, and leave out the code that can then not run. It has to be
 * written out where it is asked for: bundlers do not follow it into other modules. Elsewhere there may be no `process`.
 */
export type Build = typeof globalThis & { readonly process?: { readonly env?: { readonly NODE_ENV?: string } } };
