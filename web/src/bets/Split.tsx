// How the chances of two answers stand to each other, as a bar; the figures stand beside it.

const GAP = 0.4;

/** `first` is the chance of the first answer in price units; `label` says both, or is empty where they stand beside it. */
export function Split({ first, label }: { first: number | null; label: string }) {
  const width = first === null ? 0 : first / 100;
  const named = label === "" ? ({ "aria-hidden": "true" } as const) : ({ role: "img", "aria-label": label } as const);
  return (
    <svg class="split" viewBox="0 0 100 4" preserveAspectRatio="none" {...named}>
      {first === null ? (
        <rect class="none" width="100" height="4" />
      ) : (
        <>
          <rect class="this" width={Math.max(0, width - GAP)} height="4" />
          <rect class="that" x={Math.min(100, width + GAP)} width={Math.max(0, 100 - width - GAP)} height="4" />
        </>
      )}
    </svg>
  );
}
