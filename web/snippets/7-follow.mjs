import { io } from "socket.io-client";

const PROBITY = "http://localhost:8080";
const exchange = io(PROBITY, { path: "/ws", transports: ["websocket"] });
let left = 3;
exchange.onAny((event, data) => {
  console.log(event, data);
  if (--left === 0) exchange.disconnect();
});
console.log(await exchange.emitWithAck("subscribe:market", { market: "rain", outcome: "YES" }));
