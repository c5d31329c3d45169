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
  // Pictures are kept compressed: a browser that cannot unpack them shows what they say in words.
  const show = async (image) => {
    const bytes = Uint8Array.from(atob(image.dataset.packed), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const picture = await new Response(stream).blob();
    image.src = URL.createObjectURL(new Blob([picture], { type: "image/svg+xml" }));
  };
  if ("DecompressionStream" in window) {
    document.querySelectorAll("img[data-packed]").forEach(show);
  }
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
})();
