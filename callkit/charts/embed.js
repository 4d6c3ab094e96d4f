// Draws every <figure class="callkit-chart"> of a page with the global vegaEmbed, once it can be seen.
//
// A chart holds two layouts: its specification is the wide one, `usermeta.callkit.narrow` the JSON merge patch that makes
// the narrow one. The layout that fits is drawn at its own size and the SVG scaled to the figure. Light and dark are
// two configs laid over the chart's own.
(() => {
  "use strict";
  /*PATCHED*/
  const LOOKS = {/*LOOKS*/};
  const NARROW_BELOW = 620; // pixels: under this the wide layout's letters would get too small
  const drawn = new WeakMap(); // figure -> {key, view, turn}
  const near = new Set(); // figures in sight or close to it
  const system = matchMedia("(prefers-color-scheme: dark)");
  let printing = false;

  const style = document.createElement("style");
  style.textContent = `
    .callkit-chart { margin: 0; overflow-x: auto; overflow-y: hidden; }
    .callkit-chart-drawing svg { display: block; height: auto; }
    .callkit-save { margin: 0; opacity: 0; text-align: right; transition: opacity .15s; }
    .callkit-save button { background: none; border: 1px solid currentColor; border-radius: 4px; color: inherit;
      cursor: pointer; font: 11px/1.5 system-ui, sans-serif; margin-left: 4px; opacity: .7; padding: 0 6px; }
    .callkit-chart:hover + .callkit-save, .callkit-save:hover, .callkit-save:focus-within { opacity: 1; }
    @media (hover: none) { .callkit-save { opacity: .7; } }
    @media print { .callkit-save { display: none; } .callkit-chart { break-inside: avoid; overflow: hidden; } }`;
  document.head.append(style);

  const figures = () => document.querySelectorAll("figure.callkit-chart");

  function theme() {
    if (printing) return "light";
    const chosen = document.documentElement.dataset.theme;
    return chosen === "light" || chosen === "dark" ? chosen : system.matches ? "dark" : "light";
  }

  function specification(figure, look, narrow) {
    const spec = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    const patch = spec.usermeta?.callkit?.narrow;
    delete spec.usermeta;
    return patched(narrow && patch ? patched(spec, patch) : spec, { config: LOOKS[look] });
  }

  // A hidden figure is 0 pixels wide: it waits until it is shown, or is drawn wide for the printer.
  async function draw(figure) {
    const width = figure.clientWidth;
    if (!width && !printing) return;
    const look = theme();
    const narrow = width > 0 && width < NARROW_BELOW && !printing;
    const key = look + (narrow ? " narrow" : " wide");
    const before = drawn.get(figure);
    if (before?.key === key) return;
    const turn = (before?.turn ?? 0) + 1;
    drawn.set(figure, { ...before, key, turn });
    const fresh = document.createElement("div");
    let result;
    try {
      result = await vegaEmbed(fresh, specification(figure, look, narrow), {
        mode: "vega-lite", renderer: "svg", actions: false, defaultStyle: false, tooltip: { theme: look },
      });
    } catch (error) {
      console.error(error); // the words for the chart stay in its place
      return;
    }
    if (drawn.get(figure).turn !== turn) return result.finalize(); // overtaken by a later look or layout
    const svg = fresh.querySelector("svg");
    const own = Number(svg.getAttribute("width"));
    svg.style.width = "100%";
    svg.style.maxWidth = `${Math.round(own * 1.25)}px`;
    svg.style.minWidth = `${Math.round(own * (narrow ? 0.85 : 0.8))}px`;
    figure.querySelector(".callkit-chart-drawing").replaceChildren(fresh);
    before?.view?.finalize();
    drawn.set(figure, { key, turn, view: result.view });
    offerDownload(figure);
  }

  function offerDownload(figure) {
    if (figure.nextElementSibling?.classList.contains("callkit-save")) return;
    const line = document.createElement("p");
    line.className = "callkit-save";
    for (const kind of ["png", "svg"]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = kind.toUpperCase();
      button.title = `${figure.id}.${kind}`;
      button.addEventListener("click", async () => {
        const link = document.createElement("a");
        link.download = `${figure.id}.${kind}`;
        link.href = await drawn.get(figure).view.toImageURL(kind, kind === "png" ? 2 : 1);
        link.click();
      });
      line.append(button);
    }
    figure.after(line);
  }

  const redraw = () => figures().forEach((figure) => drawn.has(figure) && draw(figure));

  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) near.add(target);
      else near.delete(target);
      if (isIntersecting) draw(target);
    }
  }, { rootMargin: "400px" });

  const sized = new ResizeObserver((entries) => {
    for (const { target } of entries) if (near.has(target) || drawn.has(target)) draw(target);
  });

  // What is out of sight is drawn when the browser has nothing else to do, so that scrolling meets finished charts.
  const whenIdle = window.requestIdleCallback ?? ((task) => setTimeout(task, 200));
  function drawRest() {
    const next = [...figures()].find((figure) => !drawn.has(figure) && figure.clientWidth);
    if (next) draw(next).then(() => whenIdle(drawRest));
  }

  function start() {
    figures().forEach((figure) => {
      seen.observe(figure);
      sized.observe(figure);
    });
    system.addEventListener("change", redraw);
    new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    addEventListener("beforeprint", () => {
      printing = true;
      figures().forEach(draw);
    });
    addEventListener("afterprint", () => {
      printing = false;
      redraw();
    });
    whenIdle(drawRest);
  }

  if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();
