const EVERY_MS = 2000;
const live = document.getElementById("live");

async function refresh() {
  if (document.hidden || live.contains(document.activeElement)) return;
  try {
    const answer = await fetch("/live");
    if (answer.ok) live.innerHTML = await answer.text();
  } catch {
    live.querySelector(".clock").textContent = "The simulated home does not answer: it may be stopped.";
  }
}

setInterval(refresh, EVERY_MS);
