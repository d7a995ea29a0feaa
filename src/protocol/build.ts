/**
 * The part of `globalThis` that bundlers know. wrangler and `@cloudflare/vite-plugin` replace `process.env.NODE_ENV`
 * with `"production"` for a deploy, and remove code that cannot run then. The expression has to be written out in each
 * place, since bundlers do not follow it into other modules. Other platforms may have no `process`.
 */
export type Build = typeof globalThis & { readonly process?: { readonly env?: { readonly NODE_ENV?: string } } };
