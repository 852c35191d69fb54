"use strict";
// The front page: live markets and their top of book. Sets text, never HTML.

const REFRESH_MS = 15000;
const SHOWN = 10;

const cell = (text, className) => {
  const node = document.createElement("td");
  node.textContent = text;
  if (className) node.className = className;
  return node;
};

const read = async (path) => {
  const answer = await fetch(`/api/v1${path}`);
  const body = await answer.json();
  if (!body.success) throw new Error(body.error.message);
  return body.data;
};

const level = (levels) => (levels.length ? `${levels[0][0]} × ${levels[0][1]}` : "–");

const marketRow = async (market) => {
  const row = document.createElement("tr");
  row.append(cell(market.question), cell(market.status));
  const book = await read(`/markets/${encodeURIComponent(market.slug)}/orderbook?depth=1`);
  row.append(cell(level(book.bids), "number"), cell(level(book.asks), "number"));
  return row;
};

const note = (text) => {
  const row = document.createElement("tr");
  const only = cell(text, "quiet");
  only.colSpan = 4;
  row.append(only);
  return row;
};

const show = async () => {
  const body = document.getElementById("markets");
  try {
    const markets = await read(`/markets?limit=${SHOWN}`);
    const rows = await Promise.all(markets.map(marketRow));
    body.replaceChildren(...(rows.length ? rows : [note("No markets yet.")]));
  } catch (error) {
    body.replaceChildren(note(String(error.message || error)));
  }
};

show();
setInterval(show, REFRESH_MS);
