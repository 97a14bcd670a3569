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

// Runs in the head, so that a dark page never flashes light.
applyTheme(storedTheme());

document.addEventListener("DOMContentLoaded", () => {
  applyTheme(storedTheme());

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-theme-switch], [data-copy]");
    if (!target) return;
    if (target.hasAttribute("data-theme-switch")) {
      const theme = themes[(themes.indexOf(storedTheme()) + 1) % themes.length];
      localStorage.setItem("theme", theme);
      applyTheme(theme);
    } else {
      navigator.clipboard.writeText(target.getAttribute("data-copy")).then(() => {
        target.textContent = "Copied";
      });
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select")) return;
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
    }
  });
});
