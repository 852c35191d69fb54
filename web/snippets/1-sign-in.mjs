const PROBITY = "http://localhost:8080";
const answer = await fetch(`${PROBITY}/api/v1/auth/register`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ email: "ada@example.org", password: "correct horse" }),
});
const { data, error } = await answer.json();
if (error) throw new Error(`${error.code}: ${error.message}`);
console.log(`export TOKEN=${data.accessToken}`);
