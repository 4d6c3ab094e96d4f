// Small pieces of the page: elements, files to save, what is dark. Texts enter as texts, never as markup.

function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const PATHS = {
  filter: "M3 5h18M6.5 12h11M10 19h4",
  calendar: "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
  download: "M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 20h14",
  close: "M6 6l12 12M18 6L6 18",
  menu: "M4 7h16M4 12h16M4 17h16",
  full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  out: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  theme: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM12 3v18",
  half: "M12 3a9 9 0 0 1 0 18z",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "ck-icon");
  svg.setAttribute("aria-hidden", "true");
  for (const part of name === "theme" ? ["theme", "half"] : [name]) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", PATHS[part]);
    if (part === "half") path.setAttribute("class", "ck-half");
    svg.append(path);
  }
  return svg;
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : whole));
}

function save(name, href) {
  const link = h("a", { href, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

async function copied(text, button, done) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // no clipboard without TLS, except on the own machine
    const area = h("textarea", { class: "ck-offscreen" }, text);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const label = button.querySelector("span") || button;
  const before = label.textContent;
  label.textContent = done;
  setTimeout(() => { label.textContent = before; }, 1800);
}

const system = matchMedia("(prefers-color-scheme: dark)");

function look() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  const lab = document.body.dataset.jpThemeLight;
  if (lab) return lab === "false" ? "dark" : "light";
  return system.matches ? "dark" : "light";
}
