// The panel of filters and settings, the choice of period, the chips.
class Filters {
  constructor(app) {
    this.app = app;
    this.body = h("div", { class: "ck-panel-body" });
    this.heading = h("h2", { id: "ck-filters-title" });
    this.closing = h("button", { class: "ck-round", type: "button", onclick: () => this.close() }, icon("close"));
    this.clear = h("button", { class: "ck-plain", type: "button", onclick: () => app.go(app.withoutFilters()) });
    this.element = h("aside", { class: "ck-panel", hidden: true, "aria-labelledby": "ck-filters-title" },
      h("header", { class: "ck-panel-top" }, this.heading, this.clear, this.closing), this.body);
    this.element.addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
    this.columns = new Map();
  }

  open() {
    this.app.behind.element.hidden = true;
    this.element.hidden = false;
    this.render();
    this.closing.focus();
  }

  close() {
    this.element.hidden = true;
    this.app.filterButton.focus();
  }

  render() {
    if (this.element.hidden) return;
    const { words, view } = this.app, { controls } = view;
    this.heading.textContent = words.filters;
    this.closing.ariaLabel = this.closing.title = words.close;
    this.clear.textContent = words.clear;
    this.clear.hidden = !view.chips.length;
    const names = controls.columns.filter((column) => column.filter).map((column) => column.name).join(" ");
    if (this.built !== `${view.lang} ${names}`) this.build(controls, words);
    this.built = `${view.lang} ${names}`;
    for (const column of controls.columns) this.columns.get(column.name)?.update(column);
    this.radios(controls, words);
  }

  build(controls, words) {
    this.columns.clear();
    const lists = controls.columns.filter((column) => column.filter).map((column) => {
      const list = new Values(this.app, column);
      this.columns.set(column.name, list);
      return list.element;
    });
    this.choices = h("div");
    this.body.replaceChildren(h("p", { class: "ck-hint" }, words.values_calls), ...lists,
      h("h3", {}, words.settings), this.choices);
  }

  radios(controls, words) {
    const group = (name, choices, off) => h("fieldset", { class: "ck-radios", disabled: off },
      h("legend", {}, words[name]),
      choices.map((choice) => h("label", { title: choice.help },
        h("input", { type: "radio", name: `ck-${name}`, value: choice.value, checked: choice.on,
          onchange: () => this.app.set(name, choice.value) }),
        h("span", {}, choice.title, h("small", {}, choice.help)))));
    const focused = document.activeElement?.name ? `[name="${document.activeElement.name}"]:checked` : "";
    this.choices.replaceChildren(group("lens", controls.lens), group("credit", controls.credit, controls.credit_off),
      controls.credit_off ? h("p", { class: "ck-hint" }, words.credit_off) : "");
    if (focused) this.choices.querySelector(focused)?.focus();
  }
}

class Values {
  constructor(app, column) {
    this.app = app;
    this.name = column.name;
    this.count = h("span", { class: "ck-count" });
    this.search = h("input", { type: "search", class: "ck-search", placeholder: app.words.search,
      "aria-label": `${app.words.search}: ${column.title}`, hidden: true });
    this.list = h("div", { class: "ck-values", role: "group", "aria-label": column.title });
    this.more = h("p", { class: "ck-hint" });
    const button = (key, action) => h("button", { class: "ck-plain", type: "button", onclick: action }, app.words[key]);
    this.element = h("details", { class: "ck-filter" },
      h("summary", {}, h("span", {}, column.title), this.count),
      h("div", { class: "ck-filter-top" }, this.search,
        button("all", () => this.choose([...new Set([...this.chosen, ...this.shown])])),
        button("none", () => this.choose(this.search.value ? this.chosen.filter((v) => !this.shown.includes(v)) : []))),
      this.list, this.more);
    this.element.addEventListener("toggle", () => { if (this.element.open) this.load(); });
    this.search.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.load(), 120);
    });
    this.chosen = [];
    this.shown = [];
  }

  update(column) {
    this.chosen = [...column.chosen];
    this.count.textContent = this.chosen.length ? fill(this.app.words.chosen, { n: this.chosen.length }) : "";
    for (const box of this.list.querySelectorAll("input")) box.checked = this.chosen.includes(box.value);
    if (this.element.open && !this.own) this.load();
    this.own = false;
  }

  async load() {
    const answer = await this.app.ask("values", { column: this.name, search: this.search.value });
    if (answer.trouble) return;
    this.search.hidden = answer.all <= 8 && !this.search.value;
    this.shown = answer.values.map((value) => value.value);
    const focused = this.list.contains(document.activeElement) ? document.activeElement.value : null;
    this.list.replaceChildren(...answer.values.map((value) => h("label", {},
      h("input", { type: "checkbox", value: value.value, checked: this.chosen.includes(value.value),
        onchange: (event) => this.choose(event.target.checked
          ? [...this.chosen, value.value] : this.chosen.filter((v) => v !== value.value)) }),
      h("span", { dir: "auto" }, value.shown), h("small", {}, value.calls))));
    if (focused !== null) [...this.list.querySelectorAll("input")].find((box) => box.value === focused)?.focus();
    this.more.textContent = answer.more || (answer.values.length ? "" : this.app.words.values_none);
  }

  choose(values) {
    this.own = true;
    this.app.filter(this.name, values);
  }
}

function periodPanel(app) {
  const { words, view } = app, { period, compare } = view.controls;
  const last = new Date(`${period.stop}T00:00:00Z`);
  last.setUTCDate(last.getUTCDate() - 1);
  const from = h("input", { type: "date", value: period.start, "aria-label": words.range_from });
  const to = h("input", { type: "date", value: last.toISOString().slice(0, 10), "aria-label": words.range_to });
  const apply = () => {
    if (!from.value || !to.value) return;
    const stop = new Date(`${to.value}T00:00:00Z`);
    stop.setUTCDate(stop.getUTCDate() + 1);
    app.set("period", `${from.value}_${stop.toISOString().slice(0, 10)}`);
  };
  const month = h("select", { "aria-label": words.month, onchange: (event) => app.set("period", event.target.value) },
    h("option", { value: "", disabled: true, selected: !period.month }, words.month),
    period.months.map((m) => h("option", { value: m.value, selected: m.value === period.month }, m.title)));
  return h("div", { class: "ck-pop-body" },
    h("div", { class: "ck-presets" }, period.presets.map((preset) => h("button", {
      type: "button", class: "ck-preset", "aria-pressed": String(preset.on), title: preset.help,
      onclick: () => app.set("period", preset.value),
    }, preset.title, h("small", {}, preset.help)))),
    h("label", { class: "ck-line" }, h("span", {}, words.month), month),
    h("div", { class: "ck-range", role: "group", "aria-label": words.range }, h("span", { class: "ck-hint" }, words.range), from, h("span", {}, "–"), to,
      h("button", { type: "button", class: "ck-button", onclick: apply }, words.apply)),
    h("label", { class: "ck-line ck-check" }, h("input", { type: "checkbox", checked: compare,
      onchange: (event) => app.set("compare", event.target.checked ? "1" : "0") }), h("span", {}, words.compare)));
}

function chipsRow(app) {
  const { words, view } = app;
  return view.chips.map((chip) => h("button", {
    class: "ck-chip", type: "button", dir: "auto", title: fill(words.clear_one, { what: chip.title }),
    "aria-label": fill(words.clear_one, { what: `${chip.title} = ${chip.values}` }),
    onclick: () => app.filter(chip.column, []),
  }, h("span", {}, h("b", {}, `${chip.title}: `), chip.values), icon("close")));
}
