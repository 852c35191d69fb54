// Not built yet.

export default function TradePage() {
  return <div class="page" />;
}
