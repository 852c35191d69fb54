const PROBITY = "http://localhost:8080";
const answer = await fetch(`${PROBITY}/api/v1/orders/rain`, {
  method: "POST",
  headers: { "Content-Type": "application/json", Authorization: `Bearer ${process.env.TOKEN}` },
  body: JSON.stringify({ side: "BUY", outcome: "YES", type: "LIMIT", price: "0.40", quantity: "10" }),
});
const { data, error } = await answer.json();
if (error) throw new Error(`${error.code}: ${error.message}`);
console.log(data.order.status);
