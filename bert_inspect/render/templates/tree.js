// The tree of steps: opens and closes, is searched and filtered, and is walked with the arrow keys.

// A step that only lays a tensor out anew in memory has no row of its own: `relaid` says in whose row it stands.

const stepTree = (steps, { selected, relaid }) => {
  const children = new Map([[null, []]]);
  const rowOf = (id) => relaid.get(id) ?? id;
  const alsoIn = new Map(); // by step, the types of what stands in its row too
  for (const step of steps) {
    children.set(step.id, []);
    if (!relaid.has(step.id)) children.get(step.parent ?? null).push(step.id);
    else alsoIn.set(rowOf(step.id), [...(alsoIn.get(rowOf(step.id)) ?? []), step.type]);
  }
  // At first what leads to the encoder layers is open, and no layer.
  const leads = (step) => children.get(step.id).some((child) => (steps[child].layer ?? null) !== null || steps[child].path === "bert.encoder");
  const open = new Set(steps.filter((step) => depth(step) < 1 || ((step.layer ?? null) === null && leads(step))).map((step) => step.id));
  let shown = null; // the steps that a filter leaves, null for all
  let current = steps[0]?.id ?? null;
  const items = new Map();
  const list = h("ul", { role: "tree", "aria-label": "Steps of the forward pass", class: "tree" });

  function depth(step) {
    let levels = 0;
    for (let above = step.parent ?? null; above !== null; above = steps[above].parent ?? null) levels++;
    return levels;
  }
  const inside = (id) => children.get(id).filter((child) => !shown || shown.has(child));
  const isOpen = (id) => (shown ? true : open.has(id));

  const type = (step) => [step.type, ...(alsoIn.get(step.id) ?? [])].map((one) => safe(one)).join(" + ");
  const name = (step) => {
    if (step.kind === "op") return safe(step.label);
    const last = step.path.split(".").pop();
    return step.path === "" ? safe(step.type) : /^\d+$/.test(last) ? `layer ${last}` : safe(last);
  };

  const row = (step, level, place, size) => {
    const below = inside(step.id);
    const folded = below.length > 0;
    const module_ = step.kind === "module";
    const label = module_ && step.label !== name(step) ? safe(step.label) : "";
    const item = h(
      "li",
      {
        role: "treeitem",
        id: `step-${step.id}`,
        tabindex: step.id === current ? 0 : -1,
        "aria-level": level,
        "aria-posinset": place + 1,
        "aria-setsize": size,
        "aria-selected": step.id === current,
        "aria-expanded": folded ? isOpen(step.id) : undefined,
        "aria-label": `${name(step)}${label ? `, ${label}` : ""}, ${type(step)}, ${step.outputs.map((out) => shapeOf(out.shape)).join(" and ")}`,
      },
      h(
        "div",
        { class: `row ${step.kind}${step.failed ? " failed" : ""}`, "data-step": step.id },
        h("span", { class: "twist", "aria-hidden": "true" }),
        h(
          "span",
          { class: "what" },
          h("span", { class: "name" }, name(step)),
          h("span", { class: "label" }, label),
          h("span", { class: "known" }, (step.known_as ?? []).join(", ")),
        ),
        h("span", { class: "type" }, type(step)),
        h("span", { class: "shape" }, step.outputs[0] ? shapeOf(step.outputs[0].shape) : ""),
      ),
    );
    item.firstChild.style.setProperty("--level", level - 1);
    items.set(step.id, item);
    if (folded && isOpen(step.id)) item.append(group(below, level + 1));
    return item;
  };
  // Only what is open is in the document, so a trace of thousands of steps costs no more than what is looked at.
  const group = (ids, level) => {
    const all = h("ul", { role: "group" });
    all.append(...ids.map((id, place) => row(steps[id], level, place, ids.length)));
    return all;
  };
  const render = () => {
    items.clear();
    const roots = inside(null);
    list.replaceChildren(...roots.map((id, place) => row(steps[id], 1, place, roots.length)));
    if (!items.has(current) && roots.length) items.get(roots[0]).tabIndex = 0;
  };

  const toggle = (id, wanted) => {
    const item = items.get(id);
    if (shown || !inside(id).length || !item || open.has(id) === wanted) return;
    if (wanted) {
      open.add(id);
      item.append(group(inside(id), Number(item.getAttribute("aria-level")) + 1));
    } else {
      open.delete(id);
      const forget = (below) => {
        items.delete(below);
        children.get(below).forEach(forget);
      };
      children.get(id).forEach(forget);
      item.querySelector("ul").remove();
    }
    item.setAttribute("aria-expanded", wanted);
  };

  const select = (wanted, { focus = false, reveal = false } = {}) => {
    const id = rowOf(wanted);
    if (reveal) {
      if (shown && !shown.has(id)) filter(null);
      let missing = false;
      for (let above = steps[id].parent ?? null; above !== null; above = steps[above].parent ?? null) {
        missing ||= !open.has(above);
        open.add(above);
      }
      if (missing && !shown) render();
    }
    for (const item of list.querySelectorAll('[aria-selected="true"], [tabindex="0"]')) {
      item.setAttribute("aria-selected", "false");
      item.tabIndex = -1;
    }
    current = id;
    const item = items.get(id);
    if (item) {
      item.setAttribute("aria-selected", "true");
      item.tabIndex = 0;
      if (focus) item.focus({ preventScroll: true });
      const bar = item.firstChild.getBoundingClientRect();
      const box = list.getBoundingClientRect();
      if (bar.top < box.top || bar.bottom > box.bottom) list.scrollTop += bar.top - box.top - box.height / 3;
    }
    selected(wanted);
  };

  const filter = (wanted) => {
    shown = null;
    if (wanted) {
      shown = new Set();
      for (const step of steps) {
        if (!wanted(step)) continue;
        for (let above = rowOf(step.id); above !== null && !shown.has(above); above = steps[above].parent ?? null) shown.add(above);
      }
    }
    render();
    return wanted ? steps.filter(wanted).map((step) => step.id) : [];
  };

  list.addEventListener("click", (event) => {
    const bar = event.target.closest(".row");
    if (!bar) return;
    const id = Number(bar.dataset.step);
    if (event.target.closest(".twist") || id === current) toggle(id, !open.has(id));
    select(id, { focus: true });
  });
  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const order = [...list.querySelectorAll('[role="treeitem"]')];
    const here = order.findIndex((item) => item.tabIndex === 0);
    const id = Number(order[here]?.firstChild.dataset.step);
    const go = (item) => item && select(Number(item.firstChild.dataset.step), { focus: true });
    const acts = {
      ArrowDown: () => go(order[here + 1]),
      ArrowUp: () => go(order[here - 1]),
      Home: () => go(order[0]),
      End: () => go(order[order.length - 1]),
      ArrowRight: () => (inside(id).length && !isOpen(id) ? toggle(id, true) : inside(id).length && go(order[here + 1])),
      ArrowLeft: () =>
        !shown && inside(id).length && open.has(id) ? toggle(id, false) : go(items.get(steps[id].parent ?? -1)),
      Enter: () => toggle(id, !open.has(id)),
      " ": () => toggle(id, !open.has(id)),
      "*": () => children.get(steps[id].parent ?? null).forEach((other) => toggle(other, true)),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });

  const openAll = (wanted) => {
    open.clear();
    for (const step of steps) if (children.get(step.id).length && (wanted || depth(step) < 1)) open.add(step.id);
    render();
  };
  // Paper has no arrows to open a step with: on it all of them are open.
  onPaper(
    () => {
      const before = [...open];
      openAll(true);
      return before;
    },
    (before) => {
      open.clear();
      before.forEach((id) => open.add(id));
      render();
    },
  );
  render();
  return { element: list, select, filter, openAll };
};
