// The one-file report's own script: light or dark, tables sorted by a click and saved as CSV, the command copied, the
// contents that show where the reader is. It asks nothing of the network.
"use strict";
(() => {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  document.querySelector(".ck-theme").addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
  });

  for (const table of document.querySelectorAll(".ck-table")) sortable(table, document.body.dataset.sort);

  // A printed table ends after so many rows; the workbook has them all.
  for (const figure of document.querySelectorAll("figure.ck-block")) {
    if (figure.querySelectorAll("tbody tr").length > 60) figure.dataset.more = document.body.dataset.more;
  }

  // Excel reads a CSV as its language writes numbers; a text that looks like a formula must stay a text.
  const russian = root.lang === "ru", separator = russian ? ";" : ",";
  const written = (cell) => {
    if (cell.classList.contains("num")) return (cell.dataset.value ?? "").replace(".", russian ? "," : ".");
    const copied = cell.cloneNode(true);
    for (const mark of copied.querySelectorAll(".ck-explain")) mark.remove();
    const text = copied.textContent.trim();
    return `"${(/^[=+\-@\t]/.test(text) ? "'" : "") + text.replaceAll('"', '""')}"`;
  };
  for (const caption of document.querySelectorAll("figure.ck-block > figcaption")) {
    const table = caption.parentElement.querySelector(".ck-table");
    if (!table) continue;
    const button = document.createElement("button");
    button.className = "ck-save";
    button.type = "button";
    button.textContent = "CSV";
    button.title = document.body.dataset.csv;
    button.ariaLabel = `${document.body.dataset.csv}: ${caption.textContent}`;
    const name = `${caption.textContent}.csv`.replace(/[\\/:*?"<>|]+/g, "");
    button.addEventListener("click", () => {
      const lines = [...table.rows].map((row) => [...row.cells].map(written).join(separator));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(["\ufeff" + lines.join("\r\n") + "\r\n"], { type: "text/csv" }));
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
    caption.append(button);
  }

  const copy = document.querySelector(".ck-copy");
  copy.addEventListener("click", async () => {
    const command = document.querySelector(".ck-command code");
    try {
      await navigator.clipboard.writeText(command.textContent);
    } catch { // a page opened from a file may have no clipboard of its own
      getSelection().selectAllChildren(command);
      document.execCommand("copy");
      getSelection().removeAllRanges();
    }
    const before = copy.textContent;
    copy.textContent = copy.dataset.done;
    setTimeout(() => { copy.textContent = before; }, 2000);
  });

  const contents = document.querySelector(".ck-contents"), wide = matchMedia("(min-width: 1100px)");
  const fold = () => { contents.open = wide.matches; };
  wide.addEventListener("change", fold);
  fold();
  // Paper does not unfold: the methods behind each piece are printed in full.
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll(".ck-how:not([open])")];
    for (const part of [contents, ...unfolded]) part.open = true;
  });
  addEventListener("afterprint", () => { for (const part of unfolded) part.open = false; fold(); });
  contents.addEventListener("click", (event) => { if (event.target.closest("a") && !wide.matches) contents.open = false; });

  const links = new Map([...contents.querySelectorAll("a")].map((link) => [document.getElementById(link.hash.slice(1)), link]));
  const here = () => {
    let now = null;
    for (const section of links.keys()) if (section.getBoundingClientRect().top < innerHeight * 0.3) now = section;
    if (scrollY + innerHeight > root.scrollHeight - 4) now = [...links.keys()].at(-1);
    for (const [section, link] of links) {
      if (section === (now || [...links.keys()][0])) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  addEventListener("scroll", here, { passive: true });
  addEventListener("resize", here, { passive: true });
  here();
})();
