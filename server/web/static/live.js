// Keeps a page fresh, and says so when it can't.
//
// One connection for the whole browser: the tab that holds the lock listens and passes on what it
// hears; when it goes, the next tab gets the lock. A page that has heard nothing for 20 s (the
// server says something every 10 s), or that could not get its news, tells its reader that it may
// be out of date.

const STALE_MS = 20_000;
const RECONNECT_MS = 5_000;
const AGES_MS = 60_000;

const channel = new BroadcastChannel("homebeat-news");
const freshness = document.getElementById("freshness");
const words = document.getElementById("freshness-words");
const announcer = document.getElementById("news");

const loadedAt = Date.now();
let heardAt = null;
let askedAt = loadedAt;
let missedSomething = false;
let listening = false;
let failed = false;

// Without locks (a page that came without TLS from another machine) each tab has its own connection.
if (navigator.locks) navigator.locks.request("homebeat-news", listen);
else listen();
channel.addEventListener("message", ({ data }) => (data.kind === "hello" ? answer() : hear(data)));
channel.postMessage({ kind: "hello" });
setInterval(judge, 1_000);
document.addEventListener("visibilitychange", judge);

function listen() {
  listening = true;
  connect();
  return new Promise(() => {});
}

function connect() {
  const source = new EventSource("/live");
  for (const kind of ["tick", "alert"]) {
    source.addEventListener(kind, (event) => {
      tell({ kind, id: JSON.parse(event.data).id, at: Date.now() });
    });
  }
  source.addEventListener("error", () => {
    const refused = source.readyState === EventSource.CLOSED;
    tell({ kind: refused ? "refused" : "lost" });
    if (refused) setTimeout(connect, RECONNECT_MS);
  });
}

function tell(said) {
  channel.postMessage(said);
  hear(said);
}

function answer() {
  if (listening && heardAt) channel.postMessage({ kind: "tick", at: heardAt });
}

function hear(said) {
  if (said.kind === "lost") {
    missedSomething = true;
    return;
  }
  if (said.kind === "refused") {
    ask(said); // whoever was signed out is sent to sign in
    return;
  }
  heardAt = said.at;
  judge();
  if (said.kind === "alert" || missedSomething || Date.now() - askedAt > AGES_MS) ask(said);
}

function ask(said) {
  const detail = { id: said.id, missed: missedSomething };
  missedSomething = false;
  askedAt = Date.now();
  document.dispatchEvent(new CustomEvent("homebeat:news", { detail }));
}

function judge() {
  const stale = failed || Date.now() - (heardAt ?? loadedAt) > STALE_MS;
  if (!heardAt && !stale) return;
  const state = stale ? "stale" : "live";
  if (freshness.dataset.state === state) return;
  freshness.dataset.state = state;
  words.textContent = stale
    ? `This page may be out of date. Homebeat's server was last heard at ${clock(heardAt ?? loadedAt)}. Trying again.`
    : freshness.dataset.live;
}

function clock(ms) {
  return new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

// Whether what the page asked for has come. What has not is asked for again with the next tick.
export function came(whole) {
  failed = !whole;
  missedSomething ||= failed;
  judge();
}

export function announce(text) {
  announcer.textContent = text;
}
