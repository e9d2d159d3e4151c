// One alert: what someone types is never swept away, so a change is told and the reader loads it.
import { announce } from "./live.js";

const shown = document.getElementById("alert");

document.addEventListener("homebeat:news", async ({ detail }) => {
  if (!detail.missed && detail.id !== shown.dataset.alert) return;
  const answer = await fetch(`/alerts/${shown.dataset.alert}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.getElementById("alert");
  if (!now || now.dataset.step === shown.dataset.step) return;
  document.getElementById("changed").hidden = false;
  announce("This alert has changed since you opened it.");
});
