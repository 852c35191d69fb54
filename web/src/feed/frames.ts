// Painting at most once a frame, whatever arrives: what is asked for between two frames is one paint.

/** Make a function that has `paint` run with the next frame, once however often it is called. */
export function oncePerFrame(paint: () => void): (() => void) & { stop: () => void } {
  let asked: number | null = null;
  const ask = () => {
    asked ??= requestAnimationFrame(() => {
      asked = null;
      paint();
    });
  };
  const stop = () => {
    if (asked !== null) cancelAnimationFrame(asked);
    asked = null;
  };
  return Object.assign(ask, { stop });
}
