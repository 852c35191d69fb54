// Not built yet.

export default function AdminPage() {
  return <div class="page" />;
}
