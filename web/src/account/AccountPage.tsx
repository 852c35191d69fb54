// Not built yet.

export default function AccountPage() {
  return <div class="page" />;
}
