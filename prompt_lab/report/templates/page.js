// Theme, sorting, filtering, opening rows, rows as lists, and arrow keys in the grid. Without it all is readable
// but the texts of the flips, which are a click away.
"use strict";
const root = document.documentElement;
const all = (selector, from = document) => [...from.querySelectorAll(selector)];

function remembered(value) {
  try {
    if (value === undefined) return localStorage.getItem("prompt-lab-theme");
    localStorage.setItem("prompt-lab-theme", value);
  } catch { /* a page opened from a file may have no storage */ }
  return null;
}

function themed() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return root.dataset.theme || (dark ? "dark" : "light");
}

function setTheme(name) {
  root.dataset.theme = name;
  for (const button of all("#theme")) button.setAttribute("aria-pressed", name === "dark");
}

function sortValue(row, column) {
  const cell = row.cells[column];
  return cell.dataset.v ?? cell.textContent.trim();
}

function sortBy(head) {
  const table = head.closest("table");
  const column = head.cellIndex;
  const numeric = head.dataset.kind === "n";
  const first = numeric ? "descending" : "ascending";
  const second = numeric ? "ascending" : "descending";
  const order = head.getAttribute("aria-sort") === first ? second : first;
  for (const other of all("th[aria-sort]", table)) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", order);
  const grouped = table.hasAttribute("data-groups");
  const items = grouped ? [...table.tBodies] : [...table.tBodies[0].rows];
  const keyed = items.map((item) => [sortValue(grouped ? item.rows[0] : item, column), item]);
  const sign = order === "ascending" ? 1 : -1;
  keyed.sort(([a], [b]) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    return sign * (numeric ? a - b : a.localeCompare(b, undefined, { numeric: true }));
  });
  const parent = grouped ? table : table.tBodies[0];
  parent.append(...keyed.map(([, item]) => item));
}

function toggle(button, open) {
  const target = document.getElementById(button.getAttribute("aria-controls"));
  const show = open ?? target.hidden;
  target.hidden = !show;
  button.setAttribute("aria-expanded", show);
}

function filter(box) {
  const words = all("input", box)[0].value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = box.querySelector("button[aria-pressed=true]").dataset.show;
  let shown = 0;
  for (const item of document.getElementById(box.dataset.filter).tBodies) {
    const text = item.rows[0].textContent.toLowerCase();
    const fits = words.every((word) => text.includes(word));
    item.hidden = !fits || (wanted !== "all" && item.dataset.kind !== wanted);
    shown += item.hidden ? 0 : 1;
  }
  box.querySelector("output").textContent = `${shown} shown`;
}

function reveal() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  target.hidden = false;
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  const button = target.querySelector("button.open");
  if (button) toggle(button, true);
  target.scrollIntoView();
}

function walk(event) {
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const step = steps[event.key];
  const cell = event.target.closest("td");
  if (!step || !cell) return;
  const row = cell.closest("table").rows[cell.parentElement.rowIndex + step[0]];
  const next = row?.cells[cell.cellIndex + step[1]]?.querySelector("a");
  if (!next) return;
  event.preventDefault();
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

// The cells of a table say their column, so that a narrow window can show each row as a list. What
// the roles say is lost to readers of the screen once a cell is no table-cell.
function labelCells(table) {
  const heads = [...table.tHead.rows[0].cells].map((head) =>
    head.querySelector(".said") ? "" : head.textContent.trim());
  table.classList.add("stacked");
  table.setAttribute("role", "table");
  for (const part of [table.tHead, ...table.tBodies]) {
    part.setAttribute("role", "rowgroup");
    for (const row of part.rows) {
      row.setAttribute("role", "row");
      const labelled = part !== table.tHead && row.cells.length === heads.length;
      [...row.cells].forEach((cell, column) => {
        const head = cell.scope === "row" ? "rowheader" : "columnheader";
        cell.setAttribute("role", cell.tagName === "TH" ? head : "cell");
        if (labelled) cell.dataset.label = heads[column];
      });
    }
  }
}

function hint(box) {
  const words = document.createElement("p");
  words.className = "hint muted small";
  words.textContent = "Wider than the window: scroll it sideways →";
  box.before(words);
  const update = () => { words.hidden = box.scrollWidth <= box.clientWidth + 1; };
  const watch = new ResizeObserver(update);
  for (const watched of [box, ...box.children]) watch.observe(watched);
  update();
}

setTheme(remembered() || themed());
document.addEventListener("DOMContentLoaded", () => {
  setTheme(themed());
  document.getElementById("theme").addEventListener("click", () => {
    const next = themed() === "dark" ? "light" : "dark";
    setTheme(next);
    remembered(next);
  });
  for (const button of all("button.sort")) {
    button.addEventListener("click", () => sortBy(button.closest("th")));
  }
  for (const button of all("button[aria-controls]")) {
    button.addEventListener("click", (event) => { event.stopPropagation(); toggle(button); });
  }
  for (const row of all(".flip > tr:first-child")) {
    row.addEventListener("click", (event) => {
      if (!event.target.closest("a, button")) toggle(row.querySelector("button.open"));
    });
  }
  for (const box of all("[data-filter]")) {
    box.addEventListener("input", () => filter(box));
    for (const button of all("button[data-show]", box)) {
      button.addEventListener("click", () => {
        for (const other of all("button[data-show]", box)) other.setAttribute("aria-pressed", other === button);
        filter(box);
      });
    }
  }
  for (const table of all("table:not(.heat, .diff)")) if (table.tHead) labelCells(table);
  for (const box of all(".scroll")) hint(box);
  for (const table of all(".heat")) {
    all("a", table).forEach((link, index) => { link.tabIndex = index ? -1 : 0; });
    table.addEventListener("keydown", walk);
  }
  addEventListener("hashchange", reveal);
  reveal();
});
