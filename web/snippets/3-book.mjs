const PROBITY = "http://localhost:8080";
const answer = await fetch(`${PROBITY}/api/v1/markets/rain/orderbook?outcome=YES&depth=5`);
const { data, error } = await answer.json();
if (error) throw new Error(`${error.code}: ${error.message}`);
console.log("bids", data.bids, "asks", data.asks);
