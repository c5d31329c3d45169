"use strict";
(() => {
  const root = document.documentElement;
  const buttons = [...document.querySelectorAll("[data-choose]")];
  const choose = (language) => {
    root.dataset.language = language;
    root.lang = language;
    document.title = root.dataset[language === "ko" ? "titleKo" : "titleEn"];
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.choose === language));
    }
  };
  for (const button of buttons) {
    button.addEventListener("click", () => choose(button.dataset.choose));
  }
  choose((navigator.language || "en").toLowerCase().startsWith("ko") ? "ko" : "en");
  // Pictures are kept compressed, and what several of them share is there once: a browser that cannot unpack them
  // shows what they say in words.
  const show = async () => {
    const bytes = Uint8Array.from(atob(document.getElementById("pictures").textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const { parts, pictures } = await new Response(stream).json();
    for (const image of document.querySelectorAll("img[data-picture]")) {
      const picture = pictures[image.dataset.picture].map((part) => parts[part]);
      image.src = URL.createObjectURL(new Blob(picture, { type: "image/svg+xml" }));
    }
  };
  if ("DecompressionStream" in window && document.querySelector("img[data-picture]")) {
    show();
  }
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
})();
