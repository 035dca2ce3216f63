// Comfort only: every page does its work without this file.
"use strict";
(() => {
  const live = () => document.querySelector('[data-live="yes"]');

  async function look() {
    const part = live();
    if (!part) return;
    if (document.visibilityState === "visible") {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(part.id);
      if (!fresh || fresh.dataset.live !== "yes") { location.reload(); return; }
      part.replaceChildren(...fresh.childNodes);
    }
    setTimeout(look, 1000);
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const field = document.querySelector("[data-search]");
      if (field) { event.preventDefault(); field.focus(); }
    }
  });
  async function refresh(box) {
    if (!box.checked) return;
    if (document.visibilityState === "visible") {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("fresh");
      if (!answer.ok || !fresh) { box.checked = false; return; }
      if (box.checked) document.getElementById("fresh").replaceChildren(...fresh.childNodes);
    }
    setTimeout(refresh, 3000, box);
  }
  const box = document.querySelector("[data-fresh]");
  if (box) {
    box.checked = false;
    box.closest(".fresh").classList.add("there");
    box.addEventListener("change", () => refresh(box));
  }
  if (live()) setTimeout(look, 1000);
})();
