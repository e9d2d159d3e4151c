// The worklist: asks for its new rows when there is news, says what changed, and keeps the focus.
import { announce, came } from "./live.js";

let before = rows();
let focused = -1;

document.addEventListener("homebeat:news", () => {
  htmx.trigger("#live", "homebeat:changed");
});

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.xhr.status === 403) location.assign("/"); // someone else has signed in here
  else came(detail.successful);
});

document.addEventListener("htmx:beforeSwap", () => {
  before = rows();
  focused = links().indexOf(document.activeElement);
});

document.addEventListener("htmx:afterSettle", () => {
  const after = rows();
  const said = [];
  for (const [id, row] of after) {
    const old = before.get(id);
    if (!old) said.push(row.dataset.said);
    else if (old.dataset.state !== row.dataset.state) said.push(`${row.dataset.said} ${row.dataset.state}.`);
    if (!old) row.classList.add("app-new");
  }
  const gone = [...before.keys()].filter((id) => !after.has(id)).length;
  if (gone) said.push(gone === 1 ? "One alert was resolved." : `${gone} alerts were resolved.`);
  if (said.length) announce(said.join(" "));
  if (focused >= 0 && document.activeElement === document.body) {
    const left = links();
    (left[Math.min(focused, left.length - 1)] ?? document.getElementById("heading")).focus();
  }
  const unseen = Number(document.getElementById("live").dataset.unseen);
  document.title = `${unseen ? `${unseen} not seen, ` : ""}Who needs you – Homebeat`;
});

function rows() {
  return new Map([...document.querySelectorAll("[data-alert]")].map((row) => [row.id, row]));
}

function links() {
  return [...document.querySelectorAll("#live a")];
}
