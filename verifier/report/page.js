"use strict";
// Rows of selectors and columns of the run are linked: pointing at the row of a query shows the keys that it reads.
for (const run of document.querySelectorAll(".run")) {
  const rows = [...run.querySelectorAll("g.row")];
  const clear = () => {
    for (const lit of run.querySelectorAll(".reads, .queries")) lit.classList.remove("reads", "queries");
  };
  const show = (row) => {
    clear();
    const query = row.dataset.query;
    const keys = new Set(row.dataset.keys.split(" "));
    for (const other of rows) if (other.dataset.query === query) other.classList.add("queries");
    for (const cell of run.querySelectorAll("[data-position]")) {
      if (keys.has(cell.dataset.position)) cell.classList.add("reads");
      if (cell.dataset.position === query) cell.classList.add("queries");
    }
  };
  for (const row of rows) {
    row.addEventListener("mouseenter", () => show(row));
    row.addEventListener("mouseleave", clear);
    row.addEventListener("focus", () => show(row));
    row.addEventListener("blur", clear);
    row.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const next = rows[rows.indexOf(row) + step];
      if (next) next.focus();
    });
  }
}
// j and k go from property to property.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !["j", "k"].includes(event.key)) return;
  const sections = [...document.querySelectorAll("section.property")].filter((one) => one.offsetParent !== null);
  const at = sections.indexOf(document.activeElement && document.activeElement.closest("section.property"));
  const next = sections[event.key === "j" ? at + 1 : Math.max(0, at - 1)];
  if (next) next.focus();
});
const only = document.getElementById("only");
if (only) only.addEventListener("change", () => document.body.classList.toggle("only", only.checked));
