// Bundles the page: wrangler runs it before `dev` and `deploy`, and after each change of src.
import { build } from "esbuild";

const isDevelopment = process.env.WRANGLER_COMMAND === "dev";
const environment = JSON.stringify(isDevelopment ? "development" : "production");

await build({
  entryPoints: ["src/page/main.ts", "src/page/style.css"],
  outdir: "public",
  bundle: true,
  format: "esm",
  target: "es2022",
  // The deployed page has no source maps, and no warnings for development.
  minify: !isDevelopment,
  sourcemap: isDevelopment && "inline",
  define: { "process.env.NODE_ENV": environment, "globalThis.process.env.NODE_ENV": environment },
  logLevel: "warning",
});
