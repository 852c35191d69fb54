// Not built yet.

export default function AlertsPage() {
  return <div class="page" />;
}
