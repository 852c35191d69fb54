// Not built yet.

export default function PortfolioPage() {
  return <div class="page" />;
}
