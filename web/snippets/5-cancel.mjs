const PROBITY = "http://localhost:8080";
const answer = await fetch(`${PROBITY}/api/v1/orders?market=rain`, {
  method: "DELETE",
  headers: { Authorization: `Bearer ${process.env.TOKEN}` },
});
const { data, error } = await answer.json();
if (error) throw new Error(`${error.code}: ${error.message}`);
console.log("cancelled", data.cancelled);
