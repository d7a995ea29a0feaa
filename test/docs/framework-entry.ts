/** Stands for the entry of a framework. */
export default {
  fetch: (request: Request, _env: Cloudflare.Env, _ctx: ExecutionContext) =>
    new Response(`The page ${new URL(request.url).pathname}`),
};
