// Call Probity with an API key: signed REST calls, and a socket that is signed in by one.
//
//     npm install socket.io-client
//     PROBITY_KEY=pk_... PROBITY_SECRET=... node signed_calls.mjs http://localhost:8080 rain
//     PROBITY_KEY=pk_... PROBITY_PRIVATE_KEY=key.pem node signed_calls.mjs http://localhost:8080 rain
//
// The text that is signed holds the bytes that are sent, so body and query are made once and used
// for both; every call has a nonce of its own, a repeat too.

import { createHash, createHmac, createPrivateKey, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { io } from "socket.io-client";

const [url, market] = process.argv.slice(2);
const key = process.env.PROBITY_KEY, secret = process.env.PROBITY_SECRET;
const algorithm = secret ? "hmac-sha256" : "ed25519";
const privateKey = secret ? null : createPrivateKey(readFileSync(process.env.PROBITY_PRIVATE_KEY));
let ahead = 0; // of the server's clock to ours, in milliseconds

function signature(text) {
  if (secret) return createHmac("sha256", secret).update(text).digest("base64");
  return sign(null, Buffer.from(text), privateKey).toString("base64");
}

function signed(method, path, query = "", body = "") {
  const timestamp = String(Date.now() + ahead), window = "5000", nonce = randomUUID();
  const digest = createHash("sha256").update(body).digest("hex");
  const who = ["PROBITY-V1", algorithm, key, timestamp, window, nonce];
  const text = [...who, method, path, query, digest].join("\n");
  return { timestamp, window, nonce, signature: signature(text) };
}

async function call(method, path, { query = {}, body } = {}) {
  path = "/api/v1" + path;
  const search = new URLSearchParams(query).toString();
  const content = body === undefined ? "" : JSON.stringify(body);
  const said = signed(method, path, search, content);
  const answer = await fetch(url + path + (search && "?" + search), {
    method,
    body: content || undefined,
    headers: {
      "Content-Type": "application/json",
      "Probity-Key": key,
      "Probity-Timestamp": said.timestamp,
      "Probity-Window": said.window,
      "Probity-Nonce": said.nonce,
      "Probity-Signature": said.signature,
    },
  });
  const { success, data, error } = await answer.json();
  if (!success) throw new Error(error.message);
  return data;
}

const { data } = await (await fetch(url + "/api/v1/time")).json();
ahead = data.milliseconds - Date.now();

// A function: the library asks it anew for each connection, after a broken one as well.
const auth = (give) => give({ apiKey: key, ...signed("SOCKET", "/ws") });
const socket = io(url, { path: "/socket.io", transports: ["websocket"], auth });
socket.on("connect_error", (error) => console.error(error.message));
await new Promise((done) => socket.on("connect", done));
const heard = new Promise((done) => socket.on("order_placed", done));

const order = { side: "BUY", outcome: "YES", type: "LIMIT", price: "0.01", quantity: "1" };
const placed = await call("POST", `/orders/${market}`, { body: order });
await heard;
console.log("placed", placed.order.id, "and heard of it");
const swept = await call("DELETE", "/orders", { query: { market } });
console.log("cancelled", swept.cancelled);
console.log("available", (await call("GET", "/user/balance")).available);
socket.disconnect();
