// Not built yet.

export default function WelcomePage() {
  return <div class="page" />;
}
