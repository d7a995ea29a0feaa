/** The part of Vite that these tests use: files as text. */
interface ImportMeta {
  glob(
    patterns: string | readonly string[],
    options: { readonly query: "?raw"; readonly import: "default"; readonly eager: true },
  ): Record<string, string>;
}
