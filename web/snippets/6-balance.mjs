const PROBITY = "http://localhost:8080";
const headers = { Authorization: `Bearer ${process.env.TOKEN}` };
const { data, error } = await (await fetch(`${PROBITY}/api/v1/user/balance`, { headers })).json();
if (error) throw new Error(`${error.code}: ${error.message}`);
console.log("available", data.available, "locked", data.locked);
