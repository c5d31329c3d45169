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
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
})();
