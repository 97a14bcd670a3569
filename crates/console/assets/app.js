// What plain HTML cannot do: the theme, keys, copying. Everything works without it.
"use strict";

const root = document.documentElement;
const themes = ["auto", "light", "dark"];

function applyTheme(theme) {
  if (theme === "auto") root.removeAttribute("data-theme");
  else root.setAttribute("data-theme", theme);
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    button.hidden = false;
    button.textContent = `Theme: ${theme}`;
  }
}

function storedTheme() {
  const theme = localStorage.getItem("theme");
  return themes.includes(theme) ? theme : "auto";
}

// Buttons that copy are there only where copying works: not over plain http.
function showCopying() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy-from]")) button.hidden = false;
}

// A new connector's set times are meant in the time zone of the person, as far as it is known.
function guessTimeZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const form = document.querySelector('form[action="/connectors/new"]');
  const isFresh = form && form.elements.name.type !== "hidden" && form.elements.name.value === "";
  if (isFresh && zone) form.elements.time_zone.value = zone;
}

// The rows that are ticked stay where they are: a list does not change under the person who picks.
function showPicked() {
  const picked = document.querySelectorAll('[name="device"]:checked').length;
  for (const place of document.querySelectorAll("[data-picked]")) place.textContent = `${picked} selected`;
  return picked;
}

// The values that are offered are those of what the new rule looks at.
function offerValues() {
  for (const of of document.querySelectorAll("[data-lists]")) {
    document.getElementById(of.dataset.lists).setAttribute("list", `seen-${of.value}`);
  }
}

// Runs in the head, so that a dark page never flashes light.
applyTheme(storedTheme());

document.addEventListener("DOMContentLoaded", () => {
  applyTheme(storedTheme());
  showCopying();
  guessTimeZone();
  showPicked();
  offerValues();

  document.addEventListener("htmx:load", showCopying);
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-theme-switch], [data-copy-from]");
    if (!target) return;
    if (target.hasAttribute("data-theme-switch")) {
      const theme = themes[(themes.indexOf(storedTheme()) + 1) % themes.length];
      localStorage.setItem("theme", theme);
      applyTheme(theme);
    } else {
      const from = document.getElementById(target.getAttribute("data-copy-from"));
      navigator.clipboard.writeText(from.textContent).then(() => {
        target.textContent = "Copied";
      });
    }
  });

  // A secret file becomes text here: PEM as it is, everything else as base64.
  for (const text of document.querySelectorAll("textarea[data-file]")) {
    const choose = document.createElement("input");
    choose.type = "file";
    choose.setAttribute("aria-label", "Choose a file");
    choose.addEventListener("change", async () => {
      const file = choose.files[0];
      if (!file) return;
      const plain = await file.text();
      if (plain.includes("-----BEGIN")) {
        text.value = plain;
        return;
      }
      const reader = new FileReader();
      reader.addEventListener("load", () => {
        text.value = reader.result.split(",").pop();
      });
      reader.readAsDataURL(file);
    });
    text.before(choose);
  }

  document.addEventListener("change", showPicked);
  document.addEventListener("change", offerValues);
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.id === "results" && showPicked() > 0) event.preventDefault();
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select")) return;
    if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    } else if (event.key === "j" || event.key === "k") {
      const rows = [...document.querySelectorAll("[data-row]")];
      const at = rows.indexOf(document.activeElement);
      const next = rows[event.key === "j" ? at + 1 : Math.max(at - 1, 0)];
      if (next) next.focus();
    } else if (event.key === "x") {
      event.target.closest("tr")?.querySelector('[name="device"]')?.click();
    }
  });
});
