// Not built yet.

export default function MatchesPage() {
  return <div class="page" />;
}
