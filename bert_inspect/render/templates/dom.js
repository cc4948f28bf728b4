// What every part of the page uses: elements, numbers in words, text from outside made safe to read.

const h = (tag, settings = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(settings)) {
    const flag = !name.startsWith("aria-");
    if (value === undefined || value === null || (flag && value === false)) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, flag && value === true ? "" : safe(String(value)));
  }
  const shown = children.flat(2).filter((child) => child !== null && child !== undefined && child !== "");
  element.append(...shown.map((child) => (child instanceof Node ? child : safe(String(child)))));
  return element;
};

// Control characters and signs that reorder text are shown, not obeyed; joiners inside emoji are harmless.
const safe = (text) =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu, (sign) =>
    sign === "\u200d" || sign === "\u200c" ? sign : `\\u{${sign.codePointAt(0).toString(16)}}`,
  );

const short = (text) => safe(text.length > 40 ? `${text.slice(0, 39)}…` : text);

const MASKED = -1e30; // a masked score is the lowest number of its type
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const count = (value) => value.toLocaleString("en-US");
const shapeOf = (sizes) => `[${sizes.join(", ")}]`;
const times = (tensor) =>
  tensor.axes ? tensor.axes.map((axis, at) => `${axis} ${tensor.shape[at]}`).join(" × ") || "scalar" : "";

const number = (value) => {
  if (typeof value === "string") return { NaN: "nan", Infinity: "inf", "-Infinity": "-inf" }[value];
  if (value === null || value === undefined) return "–";
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5) return value.toFixed(size < 1e3 ? 4 : 1);
  return value.toExponential(2);
};

const decoded = (text, Numbers) => {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  return new Numbers(bytes.buffer);
};

const colours = new Map(); // asking the style for each cell of a matrix would take seconds
const colour = (name) => {
  if (!colours.has(name)) colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return colours.get(name);
};

// A labelled choice; `changed` gets the chosen value as text.
const choice = (label, options, value, changed) => {
  const select = h(
    "select",
    { "aria-label": label, on: { change: () => changed(select.value) } },
    options.map(([key, text]) => h("option", { value: key, selected: String(key) === String(value) }, text)),
  );
  return h("label", { class: "choice" }, h("span", {}, label), select);
};

// Whatever is drawn rather than styled follows the colour scheme, the width, and the paper, which is always light.
const redraws = new Set();
const redrawAll = () => {
  colours.clear();
  redraws.forEach((draw) => draw());
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
addEventListener("beforeprint", redrawAll);
addEventListener("afterprint", redrawAll);
