// The parts of a page: each in its place, filled anew when its content comes, its charts kept.
class Parts {
  constructor(app) {
    this.app = app;
    this.charts = new Map();
    this.filled = new Set(); // what has come of the view that is shown
    this.element = h("div", { class: "ck-grid" });
  }

  redraw(how) { for (const chart of this.charts.values()) chart.draw(how); }

  // The layout each chart on the page has room for: it alone is then made.
  layouts() {
    const known = [...this.charts].filter(([, chart]) => chart.width);
    return Object.fromEntries(known.map(([name, chart]) => [name, chart.layout()]));
  }

  // A chart that has got more or less room since it was made.
  async laidOut(chart) {
    const { view } = this.app;
    const told = await this.app.ask("part", { name: chart.part, layouts: { [chart.part]: chart.layout() } });
    if (this.app.view === view && told.shown) await chart.show(told.shown);
  }

  // The chart first: where it stands already it is drawn anew before anything else has the page laid out again.
  async show(view) {
    const wanted = view.parts.map((part) => part.name);
    for (const place of [...this.element.children]) {
      if (wanted.includes(place.dataset.part) && this.shownPage === view.page) continue;
      this.charts.get(place.dataset.part)?.drop();
      this.charts.delete(place.dataset.part);
      place.remove();
    }
    this.shownPage = view.page;
    for (const [i, part] of view.parts.entries()) {
      const place = this.place(part.name) || h("div", { class: "ck-part", "data-part": part.name });
      place.style.setProperty("--wide", part.wide);
      // What stands in its place stays there: to move it would have all of it laid out again.
      if (this.element.children[i] !== place) this.element.insertBefore(place, this.element.children[i]);
    }
    this.filled = new Set();
    const shown = Object.entries(view.shown), again = shown.filter(([name]) => this.charts.get(name)?.view);
    await Promise.all(again.map(([name, content]) => this.fill(name, content)));
    if (this.app.view !== view) return;
    for (const name of wanted) if (!(name in view.shown) && !this.filled.has(name)) this.place(name).classList.add("ck-waiting");
    await Promise.all(shown.filter((one) => !again.includes(one)).map(([name, content]) => this.fill(name, content)));
  }

  place(name) { return this.element.querySelector(`:scope > [data-part="${name}"]`); }

  fill(name, shown) {
    const place = this.place(name);
    if (!place) return;
    place.classList.remove("ck-waiting");
    this.filled.add(name);
    if (shown.kind === "chart") return this.fillChart(place, name, shown);
    this.charts.get(name)?.drop();
    this.charts.delete(name);
    const focused = place.contains(document.activeElement);
    place.innerHTML = shown.html; // pieces are escaped where they are made
    if (shown.trouble) place.append(h("p", { class: "ck-warning" }, shown.trouble));
    for (const table of place.querySelectorAll(".ck-table")) {
      sortable(table, this.app.words.sort);
      if (shown.table) opening(this.app, table, shown.table);
    }
    markRows(place, this.app.selection());
    if (name === "cards") this.openCards(place);
    for (const form of place.querySelectorAll(".ck-suppose")) this.supposing(form);
    if (name === "talk_needed" && shown.table) this.newDeals(place);
    for (const item of place.querySelectorAll("li[data-view]")) this.openView(item);
    if (name === "headline") {
      this.app.foot.replaceChildren(h("h3", {}, this.app.words.footer), ...place.querySelectorAll(".ck-facts, .ck-note"));
      this.cutChoice(place);
    }
    oddities(this.app, this.element);
    if (focused && !place.contains(document.activeElement)) this.app.main.focus({ preventScroll: true });
  }

  openCards(place) {
    const tabs = ["calls", "calls", "deals", "deals", "deals", "deals", "deals", "deals"];
    [...place.querySelectorAll(".ck-card")].forEach((card, i) => {
      const value = card.querySelector(".ck-card-value");
      const label = card.querySelector(".ck-card-label").firstChild.textContent.trim();
      opener(value, `${label}: ${value.textContent}. ${fill(this.app.words.open_behind, { what: label })}`);
      card.classList.add("ck-opens");
      card.addEventListener("click", () => this.app.select({}, tabs[i] ?? "calls"));
    });
  }

  // What if: the desk answers in words, its assumption among them.
  supposing(form) {
    const { giver, taker, minutes } = form.elements;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const [from, to] = [giver, taker].map((select) => (select.value ? JSON.parse(select.value) : []));
      const told = await this.app.ask("suppose", { giver: from, taker: to, minutes: Number(minutes.value) });
      form.querySelector(".ck-suppose-told").textContent = told.told || told.trouble;
    });
  }

  // How many new deals to forecast for: it stands in the address, which says whether it is a number.
  newDeals(place) {
    const { words, view } = this.app;
    const many = h("input", { name: "new_deals", type: "number", min: "0", max: "999999", step: "1", inputmode: "numeric", placeholder: words.new_deals_usual,
      value: view.controls.new_deals });
    const form = h("form", { class: "ck-suppose ck-asked" }, h("div", { class: "ck-suppose-row" }, h("label", {}, h("span", {}, words.new_deals), many),
      h("button", { class: "ck-button ck-strong", type: "submit" }, words.new_deals_ask)));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.asked = true; // the answer is drawn anew: whoever asked goes on from the same field
      this.app.go(this.app.changed((params) => (many.value ? params.set("new_deals", many.value) : params.delete("new_deals"))));
    });
    place.querySelector(".ck-scroll")?.before(form);
    if (this.asked) many.focus({ preventScroll: true });
    this.asked = false;
  }

  // A sentence with a view behind it: the period and the filters stay.
  openView(item) {
    const view = new URLSearchParams(item.dataset.view);
    if (!this.app.view.pages.some((page) => page.name === view.get("page"))) return;
    opener(item, item.textContent);
    item.classList.add("ck-opens");
    item.addEventListener("click", () => {
      const params = this.app.withoutSelection();
      params.delete("by");
      for (const [key, value] of view) params.set(key, value);
      this.app.go(params);
    });
  }

  // Where the cut is free, the reader chooses it in the headline.
  cutChoice(place) {
    const { words, view } = this.app, { controls } = view;
    if (!controls.cut_freely) return;
    const choose = (at) => (event) => {
      const by = [...controls.by];
      by[at] = event.target.value;
      this.app.go(this.app.changed((params) => {
        params.delete("by");
        for (const column of by.filter(Boolean).slice(0, 2)) params.append("by", column);
      }));
    };
    const options = (chosen, other) => controls.columns.filter((column) => column.name !== other)
      .map((column) => h("option", { value: column.name, selected: column.name === chosen }, column.title));
    place.querySelector("h2")?.after(h("div", { class: "ck-cut" },
      h("label", {}, h("span", {}, words.by), h("select", { onchange: choose(0) }, options(controls.by[0], controls.by[1]))),
      h("label", {}, h("span", {}, words.by_second), h("select", { onchange: choose(1) },
        h("option", { value: "", selected: !controls.by[1] }, words.by_none), options(controls.by[1], controls.by[0])))));
  }

  fillChart(place, name, shown) {
    let chart = this.charts.get(name);
    if (!chart || !place.contains(chart.figure)) {
      chart?.drop();
      chart = new Chart(this.app, name);
      this.charts.set(name, chart);
      const picture = (kind) => h("button", { class: "ck-plain", type: "button", title: fill(this.app.words.picture, { kind: kind.toUpperCase() }),
        onclick: () => chart.save(kind) }, kind.toUpperCase());
      place.replaceChildren(h("div", { class: "ck-chart" }, h("div", { class: "ck-chart-top" }), chart.figure,
        h("div", { class: "ck-chart-foot" }, h("span", { class: "ck-hint" }), picture("png"), picture("svg"))));
    }
    if (name === "main") {
      const [charts, ...axes] = this.switches();
      place.querySelector(".ck-chart-top").replaceChildren(charts, h("span", { class: "ck-hint" }, this.app.words.click));
      place.querySelector(".ck-chart-foot .ck-hint").replaceChildren(...axes);
    }
    place.querySelector(".ck-how")?.remove();
    place.querySelector(".ck-chart").insertAdjacentHTML("beforeend", shown.how || "");
    return chart.show(shown).catch(reportError); // one chart that fails is told and stops no other
  }

  switches() {
    const { controls } = this.app.view, { words } = this.app;
    const group = (name) => h("div", { class: "ck-switch", role: "group", "aria-label": words[name === "chart" ? "view" : name] },
      name === "chart" ? null : h("span", {}, words[name]),
      controls[name].map((choice) => h("button", { type: "button", "aria-pressed": String(choice.on),
        onclick: () => this.app.set(name, choice.value) }, choice.title)));
    const bubble = controls.chart.find((choice) => choice.on)?.value === "bubble";
    return [group("chart"), ...(bubble ? [group("x"), group("size")] : [])];
  }
}
