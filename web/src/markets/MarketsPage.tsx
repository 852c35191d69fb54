// Not built yet.

export default function MarketsPage() {
  return <div class="page" />;
}
