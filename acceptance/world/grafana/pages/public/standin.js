// Renews what is marked data-live, once every scrape interval, without a flicker: a picture that is there stays until
// the new one has been loaded.
"use strict";
(() => {
  const seconds = Number(document.currentScript.dataset.seconds);
  const find = (root, name) => root.querySelector(`[data-live="${name}"]`);

  const renewPicture = (old, next) => {
    for (const kind of ["source", "img"]) {
      const [from, to] = [next.querySelector(kind), old.querySelector(kind)];
      for (const { name, value } of from.attributes) {
        if (to.getAttribute(name) !== value) to.setAttribute(name, value);
      }
    }
  };

  const renew = async () => {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected || answer.status === 404) {
      location.reload(); // the session is over, or the dashboard has gone
      return;
    }
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of document.querySelectorAll("[data-live]")) {
      const next = find(page, old.dataset.live);
      if (!next) {
        location.reload(); // the dashboard has other panels now
        return;
      }
      const [before, after] = [old.querySelector("picture"), next.querySelector("picture")];
      if (before && after) renewPicture(before, after);
      else if (old.innerHTML !== next.innerHTML) old.replaceChildren(...next.childNodes);
    }
  };

  const drawn = () =>
    [...document.querySelectorAll("picture img")].every((image) => image.complete || image.loading === "lazy");

  const again = async () => {
    if (!document.hidden && drawn()) {
      try {
        await renew();
      } catch (error) {
        find(document, "stale").textContent = `not renewed: ${error.message} / 갱신되지 않음`;
      }
    }
    setTimeout(again, 1000 * seconds);
  };
  setTimeout(again, 1000 * seconds);
})();
