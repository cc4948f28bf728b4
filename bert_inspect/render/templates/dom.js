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

// A token within a sentence: one that is read from right to left does not turn what stands around it.
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const isolated = (token) => (RIGHT_TO_LEFT.test(token) ? `\u2066${safe(token)}\u2069` : safe(token));

// A path, whose lines end after a dot, a slash or an underscore rather than within a name.
const dotted = (path) => safe(path).split(/(?<=[._/])/).flatMap((part, at) => (at ? [h("wbr"), part] : [part]));

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

// Whether padding is shown: one answer for the whole page, which every view of tokens follows.
const padding = { shown: false, views: new Set() };
const paddingChoice = () => {
  const label = choice("Padding", [["hidden", "hidden"], ["shown", "shown"]], padding.shown ? "shown" : "hidden", (value) => {
    padding.shown = value === "shown";
    for (const select of document.querySelectorAll("select[data-padding]")) select.value = value;
    padding.views.forEach((show) => show());
  });
  label.querySelector("select").dataset.padding = "";
  return label;
};

// Of many buttons in rows of `across` the Tab key reaches one; arrow keys, Home and End move among them.
const roving = (container, across) => {
  const buttons = () => [...container.querySelectorAll("button")];
  const reach = (wanted) => buttons().forEach((button) => (button.tabIndex = button === wanted ? 0 : -1));
  container.addEventListener("focusin", (event) => {
    if (event.target.matches("button")) reach(event.target);
  });
  container.addEventListener("keydown", (event) => {
    const all = buttons();
    const at = all.indexOf(document.activeElement);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = at - (at % across());
    const last = all.length - across();
    const moves = {
      ArrowLeft: Math.max(row, at - 1),
      ArrowRight: Math.min(row + across() - 1, at + 1),
      ArrowUp: at - across() < 0 ? at : at - across(),
      ArrowDown: at + across() < all.length ? at + across() : at,
      Home: row,
      End: row + across() - 1,
      PageUp: at - row,
      PageDown: last + (at - row),
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    all[moves[event.key]].focus();
  });
  return { reach };
};

// Whatever is drawn rather than styled follows the colour scheme, the width, and the paper, which is always light.
const redraws = new Set();
const redrawAll = () => {
  colours.clear();
  redraws.forEach((draw) => draw());
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);

// What is shown in another way on paper: `enter` returns what `leave` needs to bring back the screen's.
const onPaper = (enter, leave) => {
  let before = null;
  const change = (paper) => {
    if (paper && !before) before = [enter()];
    else if (!paper && before) {
      leave(before[0]);
      before = null;
    }
  };
  addEventListener("beforeprint", () => change(true));
  addEventListener("afterprint", () => change(false));
  matchMedia("print").addEventListener("change", (event) => change(event.matches));
};
const inColoursOf = (paper) => () => {
  document.documentElement.classList.toggle("paper", paper);
  redrawAll();
};
onPaper(inColoursOf(true), inColoursOf(false));
