const PROBITY = "http://localhost:8080";
const query = new URLSearchParams({ platform: "exchange", status: "OPEN", limit: "5" });
const answer = await fetch(`${PROBITY}/api/v1/markets?${query}`);
const { data, error } = await answer.json();
if (error) throw new Error(`${error.code}: ${error.message}`);
for (const market of data) console.log(market.slug, market.question);
