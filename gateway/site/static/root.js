"use strict";
// Keeps the front page's markets live: asks for the rendered part again, and marks what changed.
// The page is whole without this script.

const EVERY_MS = 2000;
const RETRY_MS = 5000;

const part = () => document.getElementById("live");
const feed = document.getElementById("feed");

const show = (fresh) => {
  const old = part();
  for (const row of fresh.querySelectorAll("tr[data-market]")) {
    const before = old.querySelector(`tr[data-market="${row.dataset.market}"]`);
    if (!before) continue;
    [...row.cells].forEach((cell, index) => {
      if (cell.textContent !== before.cells[index].textContent) cell.classList.add("changed");
    });
  }
  // A link that has the focus keeps it.
  const focused = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
  old.replaceWith(document.adoptNode(fresh));
  if (focused) part().querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
};

const refresh = async () => {
  let pause = EVERY_MS;
  try {
    const answer = await fetch("/live", { cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    show(page.getElementById("live"));
    feed.textContent = "live";
    feed.classList.remove("stale");
  } catch {
    feed.textContent = "no connection, trying again";
    feed.classList.add("stale");
    pause = RETRY_MS;
  }
  setTimeout(next, pause);
};

const next = () => {
  if (document.visibilityState === "visible") refresh();
  else document.addEventListener("visibilitychange", next, { once: true });
};

document.querySelectorAll(".origin").forEach((node) => { node.textContent = location.origin; });
feed.hidden = false;
next();
