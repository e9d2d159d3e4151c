// Keeps the page fresh: when the gateway says that something is new, the main part is fetched
// again and replaced, and the focus stays where it was. Without this script the page reloads.
"use strict";
(() => {
  const source = new EventSource("/changes");
  let version = document.getElementById("live").dataset.version;
  source.onmessage = async (event) => {
    const news = JSON.parse(event.data);
    document.querySelector(".clock").textContent = news.clock;
    if (news.version === version) return;
    const answer = await fetch("/");
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
    const focused = document.activeElement;
    const mark = focused && focused.form ? [focused.form.getAttribute("action"), focused.name, focused.value] : null;
    document.getElementById("live").replaceWith(document.adoptNode(fresh));
    version = news.version;
    if (!mark) return;
    for (const button of document.querySelectorAll("button")) {
      if (button.form.getAttribute("action") === mark[0] && button.name === mark[1] && button.value === mark[2]) {
        button.focus();
        return;
      }
    }
  };
})();
