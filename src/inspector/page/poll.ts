/**
 * Calls a function again and again, with a pause in between, while the page is visible. @returns a function that stops
 * it
 */
export function poll(run: () => Promise<void>, ms: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isEnded = false;
  let isRunning = false;
  const next = async () => {
    if (isEnded || isRunning || document.hidden) return;
    clearTimeout(timer);
    isRunning = true;
    await run();
    isRunning = false;
    if (!isEnded) timer = setTimeout(() => void next(), ms);
  };
  const onVisible = () => void next();
  document.addEventListener("visibilitychange", onVisible);
  void next();
  return () => {
    isEnded = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", onVisible);
  };
}
