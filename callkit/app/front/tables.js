// Tables of the pieces: opened by a click on a row.

// What is in a cell, for the keyboard too. Not a <button>: its text of several lines would stand on the last one.
function opener(cell, label) {
  const caption = h("span", { class: "ck-open", role: "button", tabindex: "0", "aria-label": label });
  caption.append(...cell.childNodes);
  caption.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    caption.click();
  });
  cell.append(caption);
}

function opening(app, table, info) {
  const by = app.view.controls.by, dimensions = new Set(app.view.controls.columns.map((column) => column.name));
  const keys = [];
  for (const column of info.columns) {
    if (!dimensions.has(column) && column !== "segment") break;
    keys.push(column);
  }
  for (const row of table.tBodies[0].rows) {
    const cells = [...row.cells], texts = cells.map((cell) => cell.textContent);
    let selection = null;
    if (info.total && row.classList.contains("total")) selection = {};
    else if (keys[0] === "segment") selection = app.zipped(by, app.view.segments[texts[0]]);
    else if (keys.length) {
      const cut = by.every((column, i) => keys[i] === column) ? by.length : 0;
      const first = cut ? app.zipped(by, app.view.segments[texts.slice(0, cut).join(" · ")]) : {};
      const rest = keys.slice(cut).map((column, i) => [column, app.raw(column, texts[cut + i])]);
      selection = first && { ...first, ...Object.fromEntries(rest) };
    }
    if (!selection) continue;
    const cell = cells[0];
    const label = texts.slice(0, Math.max(1, keys.length)).join(" · ");
    opener(cell, fill(app.words.open_behind, { what: label }));
    row.classList.add("ck-opens");
    row.addEventListener("click", () => { if (!getSelection().toString()) app.select(selection); });
    row.selection = selection;
  }
}

function markRows(place, chosen) {
  const wanted = JSON.stringify(Object.entries(chosen).sort());
  for (const row of place.querySelectorAll("tr.ck-opens")) {
    const own = JSON.stringify(Object.entries(row.selection).sort());
    row.classList.toggle("ck-selected", wanted !== "[]" && own === wanted);
  }
}

// On the page of oddities a kind shows its own rows below; a deal is a link to the CRM.
function oddities(app, place) {
  const kinds = place.querySelector('[data-part="oddities"] tbody'), ones = place.querySelector('[data-part="odd_ones"] tbody');
  if (!kinds || !ones || ones.dataset.ready) return;
  ones.dataset.ready = "yes";
  for (const row of ones.rows) {
    const cell = row.cells[3], deal = cell?.textContent;
    if (!app.view.deal_url || !deal || deal === "–") continue;
    const href = app.view.deal_url.replace("{deal_id}", encodeURIComponent(deal));
    cell.replaceChildren(h("a", { href, target: "_blank", rel: "noopener noreferrer" }, deal));
  }
  for (const row of kinds.rows) {
    const kind = row.cells[0].textContent;
    opener(row.cells[0], kind);
    row.classList.add("ck-opens");
    row.addEventListener("click", () => {
      const same = row.classList.toggle("ck-selected");
      for (const other of kinds.rows) if (other !== row) other.classList.remove("ck-selected");
      for (const one of ones.rows) one.hidden = same && one.cells[0].textContent !== kind;
      if (same) ones.closest("[data-part]").scrollIntoView({ block: "start", behavior: "smooth" });
    });
  }
}
