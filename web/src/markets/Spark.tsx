// One little past as a line.

export function Spark({ prices }: { prices: readonly number[] | null }) {
  if (prices === null || prices.length < 2) return <svg class="spark" viewBox="0 0 80 24" aria-hidden="true" />;
  const low = Math.min(...prices);
  const span = Math.max(100, Math.max(...prices) - low);
  const points = prices.map((price, index) => `${((index / (prices.length - 1)) * 78 + 1).toFixed(1)},${(22 - ((price - low) / span) * 20).toFixed(1)}`);
  const isUp = (prices.at(-1) ?? 0) >= (prices[0] ?? 0);
  return (
    <svg class={`spark ${isUp ? "up" : "down"}`} viewBox="0 0 80 24" aria-hidden="true">
      <polyline points={points.join(" ")} fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" />
    </svg>
  );
}
