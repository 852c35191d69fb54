// Not built yet.

export default function EventPage() {
  return <div class="page" />;
}
