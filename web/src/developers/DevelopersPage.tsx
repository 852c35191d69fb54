// Not built yet.

export default function DevelopersPage() {
  return <div class="page" />;
}
