// Charts: the library once, as a file of the template or, where there is none, from the kernel; a specification drawn in
// the layout and the look that fit, clicks told, pictures saved.
const NARROW_BELOW = 540;
let library = null;

function loadLibrary(address, fromKernel) {
  library ??= new Promise((resolve, reject) => {
    if (globalThis.vegaEmbed) return resolve();
    const script = h("script", { src: address });
    const own = async () => {
      const { script: text } = await fromKernel();
      const blob = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
      const inline = h("script", { src: blob });
      inline.addEventListener("load", resolve);
      inline.addEventListener("error", reject);
      document.head.append(inline);
    };
    if (!address) return own();
    script.addEventListener("load", () => (globalThis.vegaEmbed ? resolve() : own()));
    script.addEventListener("error", own);
    document.head.append(script);
  });
  return library;
}

// A chart far from what is seen is drawn when the reader comes near it, or prints.
const NEAR = 0.5; // windows away
const coming = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) target.chart.comes(isIntersecting);
}, { rootMargin: `${100 * NEAR}% 0%` });

class Chart {
  constructor(app, part) {
    this.app = app;
    this.part = part;
    this.place = h("div", { class: "ck-drawing" });
    this.figure = h("figure", { class: "callkit-chart", role: "img" }, this.place);
    this.turn = 0;
    // The width is kept: to ask for it after every change of the page would have the page laid out each time.
    this.resized = new ResizeObserver(() => { this.width = this.figure.clientWidth; this.draw(); });
    this.resized.observe(this.figure);
    this.figure.chart = this;
    this.figure.addEventListener("scroll", () => this.fade(), { passive: true });
    coming.observe(this.figure);
  }

  show(content) {
    this.content = content;
    this.key = "";
    this.figure.setAttribute("aria-label", content.alt);
    return this.draw();
  }

  comes(near) {
    this.near = near;
    this.draw();
  }

  layout() { return this.width < NARROW_BELOW ? "narrow" : "wide"; }

  // A hidden figure is 0 pixels wide: it waits until it is shown. What is drawn of an earlier view, or in another look, is
  // due to be drawn anew.
  async draw({ printed = false } = {}) {
    this.width ??= this.figure.clientWidth;
    if (!this.content || !this.width) return;
    const layout = this.layout(), narrow = layout === "narrow", key = `${look()} ${layout}`;
    if (this.key === key) return;
    this.figure.dataset.due = "";
    this.near ??= this.figure.getBoundingClientRect().top < (1 + NEAR) * innerHeight;
    if (!this.near && !printed) {
      this.key = ""; // nor does what is being drawn count any more
      this.turn++;
      return;
    }
    if (![layout, "both"].includes(this.content.layout)) return this.app.parts.laidOut(this);
    this.key = key;
    const turn = ++this.turn;
    await this.app.library();
    const { usermeta, ...whole } = this.content.spec;
    const patch = narrow && this.content.layout === "both" && usermeta?.callkit?.narrow;
    const spec = patched(patch ? patched(whole, patch) : whole, { config: { ...this.app.looks[look()], aria: false } });
    delete spec.usermeta;
    const fresh = h("div");
    const result = await embedded(fresh, spec, {
      renderer: "svg", actions: false, defaultStyle: false, tooltip: { theme: look() },
    });
    if (turn !== this.turn) return result.finalize();
    const svg = fresh.querySelector("svg"), own = Number(svg.getAttribute("width"));
    svg.style.width = "100%";
    svg.style.height = "auto";
    svg.style.maxWidth = `${Math.round(own * 1.12)}px`;
    svg.style.minWidth = `${Math.round(own * (narrow ? 0.82 : 0.72))}px`;
    svg.setAttribute("aria-hidden", "true");
    this.place.replaceChildren(fresh);
    this.view?.finalize();
    this.view = result.view;
    this.view.addEventListener("click", (event, item) => {
      const selection = this.app.selectionOf(this.content.name, item?.datum);
      if (selection) this.app.select(selection);
    });
    this.view.addEventListener("mousemove", (event, item) => {
      svg.style.cursor = this.app.selectionOf(this.content.name, item?.datum) ? "pointer" : "";
    });
    if (narrow) this.fade();
    this.mark();
    delete this.figure.dataset.due;
    performance.mark(`callkit-drawn-${this.content.name}`);
    this.app.drawn(this.content.name);
  }

  // A chart that goes on beyond the edge of a phone fades out there.
  fade() {
    const { scrollWidth, clientWidth, scrollLeft } = this.figure;
    this.figure.classList.toggle("ck-goes-on", scrollWidth - clientWidth - scrollLeft > 4);
  }

  // What is not selected steps back.
  mark() {
    const chosen = this.app.selection();
    for (const element of this.place.querySelectorAll("path, rect, circle")) {
      const own = this.app.selectionOf(this.content.name, element.__data__?.datum);
      if (!own) continue;
      const same = Object.entries(chosen).every(([column, value]) => own[column] === undefined || own[column] === value);
      element.style.opacity = same ? "" : "0.25";
    }
  }

  async save(kind) {
    const link = await this.view.toImageURL(kind, kind === "png" ? 2 : 1);
    save(`${this.app.fileName()} ${this.content.name}.${kind}`, link);
  }

  drop() {
    this.turn++;
    this.resized.disconnect();
    coming.unobserve(this.figure);
    this.view?.finalize();
  }
}
