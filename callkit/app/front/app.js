// The app: the address is its state; a change is a new address, an address is a question, an answer is drawn.
class App {
  constructor(root, channel, first) {
    this.root = root;
    this.channel = channel;
    this.own = first.own; // whether the address bar is ours
    this.bundle = first.bundle;
    this.words = {};
    this.params = new URLSearchParams(this.own ? location.search : "");
    this.turn = 0;
    channel.onlost = () => this.lost();
    this.build();
    if (this.own) addEventListener("popstate", () => { this.params = new URLSearchParams(location.search); this.look(); });
    const redraw = () => this.parts.redraw();
    addEventListener("beforeprint", () => this.parts.redraw({ printed: true }));
    system.addEventListener("change", redraw);
    new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    new MutationObserver(redraw).observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
    this.library();
    if (first.view?.parts && first.asked === location.search.slice(1)) this.show(first.view);
    else {
      // The words of the page before it is asked for: a link may wish another language, which then comes along.
      if (first.view?.words) { this.take(first.view); this.status(this.words.loading); }
      this.look();
    }
  }

  library() { return loadLibrary(this.bundle, () => this.channel.ask({ what: "bundle", query: "" })); }

  ask(what, more = {}) { return this.channel.ask({ what, query: this.params.toString(), ...more }); }

  // --- the address

  go(params, { replace = false } = {}) {
    this.params = params;
    if (this.own) {
      const address = `${location.pathname}${params.size ? `?${params}` : ""}`;
      history[replace ? "replaceState" : "pushState"]({}, "", address);
    }
    this.look();
  }

  changed(change) {
    const params = new URLSearchParams(this.params);
    change(params);
    return params;
  }

  set(name, value, replace = false) { this.go(this.changed((params) => params.set(name, value)), { replace }); }

  page(name) {
    return this.changed((params) => {
      params.set("page", name);
      for (const key of [...params.keys()]) if (key === "by" || key === "tab" || key.startsWith("sel.")) params.delete(key);
    });
  }

  filter(column, values) {
    this.go(this.changed((params) => {
      params.delete(`where.${column}`);
      for (const value of values) params.append(`where.${column}`, value);
      this.emptied(params);
    }));
  }

  withoutFilters() {
    return this.changed((params) => {
      for (const key of [...params.keys()]) if (key.startsWith("where.")) params.delete(key);
      this.emptied(params);
    });
  }

  // A page whose notebook begins with filters says so when they are all cleared.
  emptied(params) {
    params.delete("where");
    if (![...params.keys()].some((key) => key.startsWith("where."))) params.set("where", "");
  }

  withoutSelection() {
    return this.changed((params) => {
      for (const key of [...params.keys()]) if (key === "tab" || key.startsWith("sel.")) params.delete(key);
    });
  }

  select(selection, tab = "") {
    const params = this.withoutSelection();
    for (const [column, value] of Object.entries(selection)) params.append(`sel.${column}`, value);
    params.set("tab", tab || this.view.tab || "calls");
    this.go(params);
  }

  selection() { return this.view?.selected || {}; }

  keepSelection() {
    const chosen = this.selection();
    const params = this.withoutSelection();
    for (const [column, value] of Object.entries(chosen)) {
      if (column === "month") params.set("period", value);
      else params.delete(`where.${column}`), params.append(`where.${column}`, value);
    }
    this.go(params);
  }

  // --- what was clicked

  raw(column, shown) { return this.names[column]?.[shown] ?? this.names[""][shown] ?? shown; }

  zipped(columns, keys) {
    return keys && columns.length === keys.length ? Object.fromEntries(columns.map((column, i) => [column, keys[i]])) : null;
  }

  selectionOf(chart, datum) {
    if (!datum || !this.view) return null;
    const { by } = this.view.controls, name = datum.segment ?? datum.name;
    if (typeof name !== "string") return null;
    if (chart === "trend") return this.names.month[name] ? { month: this.names.month[name] } : null;
    const direction = datum.direction ? { direction: this.raw("direction", datum.direction) } : {};
    if (chart === "load") return { stage: this.raw("stage", name), ...direction };
    const segment = this.zipped(by, this.view.segments[name]);
    if (chart === "directions") return segment && { ...segment, ...direction };
    if (!segment || chart !== "heatmap") return segment;
    return datum.stage ? { ...segment, stage: this.raw("stage", datum.stage) } : null;
  }

  // --- asking and drawing

  async look() {
    const turn = ++this.turn;
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.status(this.words.loading), 180);
    if (this.busy) return; // the last change alone is asked for, when the answer under way is there
    this.busy = true;
    const answer = await this.ask("view", { words: this.view?.lang ?? "", whole: true, layouts: this.parts.layouts() });
    this.busy = false;
    if (turn !== this.turn) { this.turn--; return this.look(); }
    clearTimeout(this.patience);
    if (answer.trouble) return this.trouble(answer.trouble);
    this.show(answer);
  }

  take(answer) {
    if (answer.words) {
      this.words = answer.words;
      this.names = answer.names;
      this.looks = answer.looks;
    }
  }

  async show(answer) {
    const turn = this.turn, moved = this.view && this.view.page !== answer.page;
    this.take(answer);
    this.view = answer;
    this.params = new URLSearchParams(answer.query);
    if (this.own && answer.query !== location.search.slice(1)) {
      history.replaceState({}, "", `${location.pathname}${answer.query ? `?${answer.query}` : ""}`);
    }
    if (this.own) {
      if (document.documentElement.lang !== answer.lang) document.documentElement.lang = answer.lang;
      document.title = `${answer.company}: ${answer.title}`;
      if (answer.theme) document.documentElement.dataset.theme = answer.theme;
      else delete document.documentElement.dataset.theme;
    }
    this.status("");
    this.frame();
    const filled = [this.parts.show(answer)];
    if (moved) this.main.scrollTo?.({ top: 0 }), this.own && scrollTo({ top: 0 });
    this.filters.render();
    this.behind.follow();
    for (const part of answer.parts) {
      if (part.name in answer.shown) continue;
      const told = await this.ask("part", { name: part.name, layouts: this.parts.layouts() });
      if (turn !== this.turn || this.view !== answer) return;
      if (told.trouble) this.parts.fill(part.name, { kind: "html", html: "", trouble: told.trouble });
      else filled.push(this.parts.fill(told.name, told.shown));
    }
    await Promise.all(filled);
    if (turn === this.turn && this.view === answer) this.root.dataset.complete = String(turn);
  }

  drawn(name) { this.root.dataset.drawn = name; }

  status(text) {
    this.statusLine.textContent = text;
    this.root.classList.toggle("ck-busy", Boolean(text));
  }

  trouble(text) {
    this.status("");
    this.notes.replaceChildren(h("p", { class: "ck-warning", role: "alert" }, text));
    this.root.dataset.complete = "trouble";
  }

  lost() {
    if (this.root.querySelector(".ck-lost")) return;
    const words = this.words.lost ? this.words : { lost: document.body.dataset.lost, reload: document.body.dataset.reload };
    const button = h("button", { class: "ck-button ck-strong", type: "button", onclick: () => location.reload() }, words.reload);
    this.root.append(h("div", { class: "ck-lost", role: "alertdialog" }, h("p", {}, words.lost), button));
    this.status("");
    button.focus();
  }

  fileName() { return `${this.view.company} ${this.view.title} ${this.view.controls.period.start}`; }

  // --- the frame

  build() {
    this.filters = new Filters(this);
    this.behind = new Behind(this);
    this.statusLine = h("p", { class: "ck-status", role: "status", "aria-live": "polite" });
    this.company = h("div", { class: "ck-company" });
    this.periodButton = h("summary", { class: "ck-button" });
    this.periodPop = h("details", { class: "ck-pop" }, this.periodButton);
    this.periodPop.addEventListener("toggle", () => { if (this.periodPop.open) this.fillPeriod(); });
    this.filterButton = h("button", { class: "ck-button", type: "button", onclick: () => this.filters.open() });
    this.exportPop = h("details", { class: "ck-pop ck-right" }, h("summary", { class: "ck-button" }));
    this.language = h("button", { class: "ck-round ck-lang", type: "button" });
    this.theme = h("button", { class: "ck-round", type: "button", onclick: () => this.set("theme", look() === "dark" ? "light" : "dark", true) }, icon("theme"));
    this.nav = h("nav", { class: "ck-nav" });
    this.skip = h("a", { class: "ck-skip", href: "#ck-main" });
    this.chips = h("div", { class: "ck-chips", role: "group" });
    this.notes = h("div", { class: "ck-notes" });
    this.parts = new Parts(this);
    this.foot = h("footer", { class: "ck-foot" });
    this.main = h("main", { class: "ck-content", id: "ck-main", tabindex: "-1" }, this.notes, this.chips, this.parts.element, this.foot);
    this.full = h("button", { class: "ck-full", type: "button", onclick: () => this.fullScreen() }, icon("full"));
    this.bar = h("header", { class: "ck-bar" }, this.company,
      h("div", { class: "ck-tools" }, this.periodPop, this.filterButton, this.exportPop, this.language, this.own ? this.theme : null));
    this.root.classList.add("ck-app", "ck-page");
    this.root.replaceChildren(this.skip, this.statusLine, this.bar, this.nav, this.main, this.filters.element,
      this.behind.element, this.full);
    addEventListener("click", (event) => {
      if (!event.isTrusted) return; // the page's own click on a file to save
      for (const pop of this.root.querySelectorAll("details.ck-pop[open]")) if (!pop.contains(event.target)) pop.open = false;
    });
    addEventListener("keydown", (event) => {
      const pop = event.key === "Escape" && this.root.querySelector("details.ck-pop[open]");
      if (pop) { pop.open = false; pop.querySelector("summary").focus(); }
    });
  }

  frame() {
    const { words, view } = this;
    this.skip.textContent = words.skip;
    this.company.replaceChildren(h("strong", { dir: "auto" }, view.company), h("span", {}, [view.data, view.seen].filter(Boolean).join(" · ")));
    this.periodButton.replaceChildren(icon("calendar"), h("span", {}, view.controls.period.shown));
    this.periodButton.title = words.period;
    if (this.periodPop.open) this.fillPeriod();
    const count = view.chips.length ? h("b", { class: "ck-badge" }, String(view.chips.length)) : null;
    this.filterButton.replaceChildren(...[icon("filter"), h("span", {}, words.filters), count].filter(Boolean));
    this.filterButton.title = words.filters_open;
    this.exportMenu();
    const other = view.lang === "ru" ? "en" : "ru";
    this.language.textContent = other.toUpperCase();
    this.language.title = this.language.ariaLabel = words.language;
    this.language.lang = other;
    this.language.onclick = () => this.set("lang", other, true);
    this.theme.title = this.theme.ariaLabel = words.theme;
    this.full.title = this.full.ariaLabel = document.fullscreenElement ? words.full_end : words.full;
    this.nav.ariaLabel = words.pages;
    this.nav.hidden = view.pages.length < 2;
    this.root.classList.toggle("ck-single", view.pages.length < 2);
    this.nav.replaceChildren(...view.pages.map((page) => h("a", {
      href: `?${this.page(page.name)}`, "aria-current": page.name === view.page ? "page" : undefined,
      onclick: (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        if (page.name !== this.view.page) this.go(this.page(page.name));
      },
    }, page.title)));
    if (matchMedia("(max-width: 1000px)").matches) this.nav.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    this.chips.replaceChildren(...chipsRow(this));
    this.chips.ariaLabel = words.chips;
    this.notes.replaceChildren(...(view.notes?.length ? [h("div", { class: "ck-warning", role: "note" },
      h("p", {}, words.notes_title), h("ul", {}, view.notes.map((note) => h("li", { dir: "auto" }, note))))] : []));
  }

  fillPeriod() {
    this.periodPop.querySelector(".ck-pop-body")?.remove();
    this.periodPop.append(periodPanel(this));
  }

  exportMenu() {
    const { words } = this, note = h("p", { class: "ck-hint", role: "status" });
    const command = h("div", { class: "ck-command", hidden: true });
    const excel = h("button", { class: "ck-item", type: "button", onclick: async () => {
      note.textContent = words.preparing;
      const told = await this.ask("save", { kind: "page" });
      note.textContent = told.trouble || "";
      if (told.href) save(told.name, told.href);
    } }, words.excel_view);
    const link = h("button", { class: "ck-item", type: "button", onclick: (event) => copied(location.href, event.currentTarget, words.copied) }, words.copy_link);
    const monthly = h("button", { class: "ck-item", type: "button", onclick: async () => {
      const told = await this.ask("command");
      const copy = h("button", { class: "ck-button", type: "button", onclick: (event) => copied(told.command, event.currentTarget, words.copied) }, words.copy);
      command.replaceChildren(h("p", { class: "ck-hint" }, words.command_how), h("pre", {}, h("code", {}, told.command || told.trouble)),
        told.note ? h("p", { class: "ck-hint" }, told.note) : "", copy);
      command.hidden = false;
    } }, words.command);
    const summary = this.exportPop.querySelector("summary");
    summary.replaceChildren(icon("download"), h("span", {}, words.export));
    this.exportPop.replaceChildren(summary, h("div", { class: "ck-pop-body ck-menu" }, excel, this.own ? link : null, monthly, command, note));
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else (this.own ? document.documentElement : this.root).requestFullscreen?.();
  }
}

function render({ model, el }) {
  const root = h("div");
  el.append(root);
  new App(root, new OverModel(model), { own: false, view: null, bundle: "" });
}

// In Voila the template leaves a place with what the notebook said.
function start() {
  const told = document.getElementById("callkit-first");
  if (!told) return;
  const first = JSON.parse(told.textContent), place = JSON.parse(document.getElementById("callkit-place").textContent);
  const root = document.getElementById("callkit-app");
  root.replaceChildren();
  globalThis.callkit = new App(root, new OverSocket({ base: place.base, kernel: place.kernel, comm: first.comm }), {
    own: true, view: first.view, asked: first.asked, bundle: first.bundle ? `${place.base}voila/templates/callkit/static/${first.bundle}` : "",
  });
}

start();

export default { render };
