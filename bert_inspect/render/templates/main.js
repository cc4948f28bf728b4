// Puts the parts together: what is selected in one is shown in the others.

const data = JSON.parse(document.getElementById("data").textContent);

// Path patterns as on the command line: * within a segment, ** for any number; without a sign, any part of the path.
const pathMatcher = (pattern) => {
  const wanted = pattern.trim();
  if (!wanted) return null;
  if (!/[*?]/.test(wanted)) return (path) => path.toLowerCase().includes(wanted.toLowerCase());
  const match = (patterns, segments) => {
    if (!patterns.length) return !segments.length;
    if (patterns[0] === "**") return segments.some((_, skipped) => match(patterns.slice(1), segments.slice(skipped))) || match(patterns.slice(1), []);
    if (!segments.length) return false;
    const plain = patterns[0].replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".");
    return new RegExp(`^${plain}$`).test(segments[0]) && match(patterns.slice(1), segments.slice(1));
  };
  return (path) => match(wanted.split("."), path === "" ? [] : path.split("."));
};

const stepsView = (frame) => {
  const steps = data.trace.steps;
  const wanted = { text: "", layer: "", module: "", label: "" };
  let found = []; // the steps that the search and the filters leave, as they ran
  let here = 0; // which of them is selected
  const turn = (label, by) => h("button", { type: "button", disabled: true, on: { click: () => step(here + by) } }, label);
  const [before, after] = [turn("Previous", -1), turn("Next", 1)];
  const told = h("output", { class: "quiet", "aria-live": "polite" });
  let diagram = null;
  const go = (id) => {
    tree.select(id, { reveal: true });
    if (frame.getBoundingClientRect().top > innerHeight / 2) frame.scrollIntoView({ block: "start" });
  };
  const detail = stepView(data, { go });
  const tree = stepTree(steps, {
    relaid: new Map(data.relaid),
    selected: (id) => {
      detail.show(id);
      diagram?.select(id);
    },
  });
  const says = (step, text) =>
    `${step.path} ${step.label} ${step.type} ${step.arguments} ${(step.known_as ?? []).join(" ")}`.toLowerCase().includes(text);
  const apply = () => {
    const inPath = pathMatcher(wanted.module);
    const text = wanted.text.trim().toLowerCase();
    const any = inPath || text || wanted.layer !== "" || wanted.label !== "";
    found = tree.filter(
      any
        ? (step) =>
            (!text || says(step, text)) &&
            (wanted.layer === "" || step.layer === Number(wanted.layer)) &&
            (!inPath || inPath(step.path)) &&
            (wanted.label === "" || step.label === wanted.label)
        : null,
    );
    for (const button of [before, after]) button.disabled = found.length < 2;
    const exact = found.findIndex((id) => steps[id].label.toLowerCase() === text);
    if (found.length) step(Math.max(0, exact));
    else told.textContent = any ? `0 of ${count(steps.length)} steps` : `${count(steps.length)} steps`;
  };
  // Selects one of the steps that were found; beyond the last comes the first.
  const step = (wanted_) => {
    if (!found.length) return;
    here = (wanted_ + found.length) % found.length;
    told.textContent = `${count(found.length)} of ${count(steps.length)} steps${found.length > 1 ? `, number ${here + 1} is selected` : ""}`;
    tree.select(found[here]);
    tree.element.querySelector('[aria-selected="true"] > .row')?.scrollIntoView({ block: "nearest" });
  };
  const field = (label, key, hint) =>
    h("label", { class: "choice" }, h("span", {}, label), h("input", { type: "search", "aria-label": label, placeholder: hint, autocomplete: "off", spellcheck: "false", on: { input: (event) => { wanted[key] = event.target.value; apply(); }, keydown: (event) => { if (event.key === "Enter") step(here + (event.shiftKey ? -1 : 1)); } } }));
  const layers = [...new Set(steps.map((step) => step.layer))].filter((layer) => layer !== null && layer !== undefined);
  const labels = [...new Set(steps.map((step) => step.label))].sort();
  const tools = h(
    "form",
    { class: "bar", role: "search", "aria-label": "Filter the steps", on: { submit: (event) => event.preventDefault(), reset: () => { Object.keys(wanted).forEach((key) => (wanted[key] = "")); apply(); } } },
    field("Search", "text", "softmax, query, 768 …"),
    layers.length ? choice("Layer", [["", "all"], ...layers.map((layer) => [layer, `layer ${layer}`])], "", (value) => { wanted.layer = value; apply(); }) : "",
    field("Module", "module", "attention.self or **.dense"),
    choice("Label", [["", "all"], ...labels.map((label) => [label, safe(label)])], "", (value) => { wanted.label = value; apply(); }),
    h("span", { class: "buttons" }, before, after, h("button", { type: "reset" }, "Clear"), h("button", { type: "button", on: { click: () => tree.openAll(true) } }, "Open all"), h("button", { type: "button", on: { click: () => tree.openAll(false) } }, "Close all")),
    told,
  );
  frame.append(tools, h("div", { class: "panes" }, tree.element, detail.element));
  apply();
  tree.select(steps[0].id);
  const drawing = document.getElementById("diagram-view");
  if (drawing) diagram = diagramView(drawing, { go, name: (id) => steps[id]?.label ?? "" });
};

const sentencesTools = document.getElementById("sentences-tools");
if (document.querySelector(".hides")) {
  sentencesTools.append(paddingChoice());
  padding.views.add(() => document.body.classList.toggle("padding-shown", padding.shown));
} else sentencesTools.remove();
const attentionFrame = document.getElementById("attention-view");
if (attentionFrame) {
  const view = attentionView(data);
  attentionFrame.append(view.element);
  view.start();
}
const stepsFrame = document.getElementById("steps-view");
if (stepsFrame) stepsView(stepsFrame);
