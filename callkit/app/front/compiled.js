// What Vega-Lite makes of a chart, kept: compiling is half of a drawing's time, and a filter changes little of it. Charts
// alike but for their rows, the reach of their scales and the labels along them are compiled once.
const compiled = new Map(); // by what is alike: a specification of Vega
const MOST_COMPILED = 40;
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

// A chart of layers taken apart: what may vary, and the rest as a text. Rows are told by their order, not by name.
function takenApart({ datasets = {}, layer, ...rest }) {
  const names = new Map(), domains = {}, guides = {};
  let alike = true;
  const kept = (found, channel, value) => {
    alike &&= !(channel in found) || same(found[channel], value);
    found[channel] = value;
  };
  const rows = (name) => names.get(name) ?? names.set(name, `rows${names.size}`).get(name);
  const layers = layer.map((one) => ({
    ...one,
    data: { ...one.data, name: rows(one.data.name) },
    encoding: Object.fromEntries(Object.entries(one.encoding).map(([channel, { scale, axis, legend, ...more }]) => {
      const channelled = { ...more };
      for (const [what, guide] of [["axis", axis], ["legend", legend]]) {
        if (guide === undefined) continue;
        const { values, tickCount, labelExpr, ...look } = guide || {};
        if (values) kept(guides, channel, { values, tickCount, labelExpr });
        channelled[what] = guide && { ...look, values: Boolean(values) };
      }
      if (Array.isArray(scale?.domain)) kept(domains, channel, scale.domain);
      if (scale !== undefined) channelled.scale = scale && { ...scale, domain: Array.isArray(scale.domain) || scale.domain };
      return [channel, channelled];
    })),
  }));
  const own = Object.fromEntries([...names].map(([name, short]) => [short, datasets[name]]));
  const key = JSON.stringify({ ...rest, layers });
  return alike && Object.values(own).every(Array.isArray) ? { key, rows: own, names, domains, guides } : null;
}

// The chart whole again over what was compiled of one like it.
function filledIn(base, { rows, domains, guides }) {
  const along = (guide, channel) => {
    const told = guides[channel], text = guide.encode?.labels?.update?.text;
    if (!told) return guide;
    const filled = { ...guide, values: told.values };
    if ("tickCount" in guide) filled.tickCount = told.tickCount;
    if (text) filled.encode = { ...guide.encode, labels: { ...guide.encode.labels, update: { ...guide.encode.labels.update, text: { signal: told.labelExpr } } } };
    return filled;
  };
  return {
    ...base,
    data: base.data.map((one) => (one.name in rows ? { ...one, values: rows[one.name] } : one)),
    scales: base.scales.map((scale) => (scale.name in domains ? { ...scale, domain: domains[scale.name] } : scale)),
    axes: (base.axes || []).map((axis) => along(axis, axis.scale)),
    legends: (base.legends || []).map((legend) => along(legend, legend.size)),
  };
}

// Draws a chart as `vegaEmbed` does, from what was compiled of one like it where there is that. To be kept, all that
// varies must be found in its place.
async function embedded(element, spec, options) {
  const embed = globalThis.vegaEmbed, parts = spec.layer?.every((one) => one.data?.name && one.encoding) ? takenApart(spec) : null;
  const known = parts && compiled.get(parts.key);
  if (known) return embed(element, filledIn(known, parts), { ...options, mode: "vega" });
  if (!parts) return embed(element, spec, { ...options, mode: "vega-lite" });
  const layer = spec.layer.map((one) => ({ ...one, data: { ...one.data, name: parts.names.get(one.data.name) } }));
  const result = await embed(element, { ...spec, datasets: parts.rows, layer }, { ...options, mode: "vega-lite" });
  const made = { axes: [], legends: [], ...result.vgSpec };
  const guides = Object.entries(parts.guides).every(([channel, { labelExpr }]) => [...made.axes, ...made.legends].some((guide) => (
    (guide.scale === channel || guide.size === channel) && guide.encode?.labels?.update?.text?.signal === labelExpr)));
  const scales = Object.keys(parts.domains).every((channel) => made.scales.some((scale) => scale.name === channel));
  if (guides && scales && same(filledIn(made, parts), made)) {
    if (compiled.size >= MOST_COMPILED) compiled.delete(compiled.keys().next().value);
    compiled.set(parts.key, made);
  }
  return result;
}
