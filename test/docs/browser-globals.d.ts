/** The parts of a browser that the examples for browsers use. */
declare const location: { readonly host: string; readonly origin: string };
declare const sessionStorage: { getItem(key: string): string | null; setItem(key: string, value: string): void };
declare const document: {
  readonly body: { textContent: string | null; addEventListener(type: "click", listener: () => void): void };
};
declare function requestAnimationFrame(frame: (now: number) => void): number;
