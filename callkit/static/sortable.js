// A table whose headings sort it: numbers first fall, texts first rise; what is undefined stays below, the total last.
function sortable(table, title) {
  const body = table.tBodies[0];
  if (!table.tHead || body.rows.length < 3) return;
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, column) => {
    const cell = row.cells[column];
    if (cell.classList.contains("num")) return "value" in cell.dataset ? Number(cell.dataset.value) : null;
    return cell.textContent;
  };
  const ordered = (a, b, falling) => {
    if (a === null || b === null) return (a === null) - (b === null);
    const least = typeof a === "number" ? a - b : a.localeCompare(b, document.documentElement.lang, { numeric: true });
    return falling ? -least : least;
  };
  heads.forEach((head, column) => {
    const mark = head.querySelector(".ck-explain");
    // Not a <button>: that would be a box of its own, after which the formula's mark falls on a new line.
    const caption = document.createElement("span");
    caption.className = "ck-sort";
    caption.setAttribute("role", "button");
    caption.tabIndex = 0;
    caption.title = title;
    for (const node of [...head.childNodes]) if (node !== mark) caption.append(node);
    if (caption.lastChild?.data) caption.lastChild.data = caption.lastChild.data.trimEnd();
    head.replaceChildren(caption, ...(mark ? ["\u00a0", mark] : [])); // the mark stays with the last word
    caption.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      caption.click();
    });
    caption.addEventListener("click", () => {
      const text = ["text", "moment", undefined].includes(head.dataset.kind);
      const before = head.getAttribute("aria-sort");
      const falling = before ? before === "ascending" : !text;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const rows = [...body.rows], whole = rows.filter((row) => row.classList.contains("total"));
      const sorted = rows.filter((row) => !whole.includes(row)).map((row) => [value(row, column), row]);
      sorted.sort(([a], [b]) => ordered(a, b, falling));
      body.append(...sorted.map(([, row]) => row), ...whole);
    });
  });
}
