// The panel with the calls and deals behind what was clicked.
class Behind {
  constructor(app) {
    this.app = app;
    this.heading = h("h2", { id: "ck-behind-title", dir: "auto" });
    this.closing = h("button", { class: "ck-round", type: "button", onclick: () => app.go(app.withoutSelection()) }, icon("close"));
    this.tabs = h("div", { class: "ck-tabs", role: "tablist" });
    this.search = h("input", { type: "search", class: "ck-search" });
    this.keep = h("button", { class: "ck-button", type: "button", onclick: () => app.keepSelection() });
    this.saves = h("span", { class: "ck-saves" });
    this.table = h("div", { class: "ck-scroll", tabindex: "0" });
    this.foot = h("div", { class: "ck-pager" });
    this.note = h("p", { class: "ck-hint", role: "status" });
    this.element = h("aside", { class: "ck-panel ck-behind", hidden: true, "aria-labelledby": "ck-behind-title" },
      h("header", { class: "ck-panel-top" }, this.heading, this.keep, this.closing),
      h("div", { class: "ck-behind-tools" }, this.tabs, this.search, this.saves), this.note, this.table, this.foot);
    this.element.addEventListener("keydown", (event) => { if (event.key === "Escape") app.go(app.withoutSelection()); });
    this.search.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => { this.page = 0; this.load(); }, 150);
    });
    this.turn = 0;
  }

  // Called with every view: the panel is open where the address says so.
  follow() {
    const { view } = this.app, key = JSON.stringify([view.query, view.lang]);
    if (!view.tab) {
      const had = !this.element.hidden;
      this.element.hidden = true;
      this.key = "";
      if (had) this.before?.focus?.();
      return;
    }
    this.app.filters.element.hidden = true;
    if (this.element.hidden) this.before = document.activeElement;
    const opened = this.element.hidden;
    this.element.hidden = false;
    if (this.key === key) return;
    if (this.tab !== view.tab || JSON.stringify(view.selected) !== this.selected) {
      this.sort = "";
      this.page = 0;
      if (opened || JSON.stringify(view.selected) !== this.selected) this.search.value = "";
    }
    this.key = key;
    this.tab = view.tab;
    this.selected = JSON.stringify(view.selected);
    this.load();
    if (opened) this.closing.focus({ preventScroll: true });
  }

  async load() {
    const turn = ++this.turn, { app } = this;
    const answer = await app.ask("behind", { sort: this.sort || "", search: this.search.value, page: this.page || 0 });
    if (turn !== this.turn) return;
    if (answer.trouble) return this.table.replaceChildren(h("p", { class: "ck-warning" }, answer.trouble));
    this.render(answer);
  }

  render(answer) {
    const { app } = this, { words } = app;
    this.heading.textContent = answer.title;
    this.closing.ariaLabel = this.closing.title = words.close;
    this.keep.textContent = words.behind_keep;
    this.keep.hidden = !Object.keys(app.view.selected).length;
    this.search.placeholder = words.behind_search;
    this.search.ariaLabel = words.search;
    this.tabs.replaceChildren(...["calls", "deals"].map((tab) => h("button", {
      role: "tab", type: "button", "aria-selected": String(tab === answer.tab), onclick: () => app.set("tab", tab, true),
    }, words[`behind_${tab}`], h("span", { class: "ck-count" }, answer[tab]))));
    const file = (kind, label) => h("button", { class: "ck-plain", type: "button", onclick: async () => {
      const told = await app.ask("save", { kind, sort: this.sort || "", search: this.search.value });
      if (told.href) save(told.name, told.href);
      this.note.textContent = told.trouble || told.note || "";
    } }, label);
    this.saves.replaceChildren(icon("download"), file("xlsx", words.excel), file("csv", words.csv));
    this.note.textContent = answer.note;
    const head = answer.columns.map((column) => {
      const now = answer.sort.replace("-", "") === column.name;
      const falling = now && answer.sort.startsWith("-");
      const next = now ? (falling ? "" : "-") : column.falls ? "-" : "";
      return h("th", { scope: "col", class: column.number ? "num" : "", "aria-sort": now ? (falling ? "descending" : "ascending") : undefined },
        h("span", { class: "ck-sort", role: "button", tabindex: "0", title: words.sort,
          onclick: () => { this.sort = next + column.name; this.page = 0; this.load(); },
          onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); event.target.click(); } },
        }, column.title));
    });
    const rows = answer.rows.map((row, i) => h("tr", {}, row.map((text, at) => {
      const column = answer.columns[at];
      const link = column.name === "deal_id" && answer.links[i];
      const shown = link ? h("a", { href: link, target: "_blank", rel: "noopener noreferrer",
        title: fill(words.behind_open, { id: text }) }, text, icon("out")) : h("span", { title: text.length > 60 ? text : undefined }, text);
      return h("td", { class: column.number ? "num" : "", dir: column.number ? undefined : "auto" }, shown);
    })));
    this.table.ariaLabel = fill(words.scroll, { title: answer.title });
    this.table.replaceChildren(rows.length
      ? h("table", { class: "ck-table" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows))
      : h("p", { class: "ck-hint" }, words.behind_none));
    this.table.scrollTop = 0;
    const step = (by, name, off) => h("button", { class: "ck-round", type: "button", disabled: off, title: words[name],
      "aria-label": words[name], onclick: () => { this.page = (this.page || 0) + by; this.load(); } },
    icon(by < 0 ? "left" : "right"));
    this.foot.replaceChildren(step(-1, "behind_before", answer.page === 0), h("span", {}, answer.pages),
      step(1, "behind_after", answer.last));
  }
}
