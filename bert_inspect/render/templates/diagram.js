// The diagram moves and grows under mouse, fingers and keys, and its boxes select steps.

const PIECE = 1.2; // how much higher than wide a piece of it may be on paper

const diagramView = (frame, { go, name }) => {
  const svg = frame.querySelector("svg");
  const [, , width, height] = svg.getAttribute("viewBox").split(/\s+/).map(Number);
  const view = { x: 0, y: 0, width, height };
  const draw = () => svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
  const scale = () => Math.max(view.width / svg.clientWidth, view.height / svg.clientHeight);
  const move = (x, y) => {
    view.x = Math.min(width - view.width / 4, Math.max(-view.width * 0.75, view.x + x));
    view.y = Math.min(height - view.height / 4, Math.max(-view.height * 0.75, view.y + y));
    draw();
  };
  const zoom = (by, x = 0.5, y = 0.5) => {
    const wide = Math.min(width * 2, Math.max(width / 40, view.width * by));
    const grown = wide / view.width;
    view.x += view.width * (1 - grown) * x;
    view.y += view.height * (1 - grown) * y;
    view.width = wide;
    view.height *= grown;
    draw();
  };
  const fit = () => {
    Object.assign(view, { x: 0, y: 0, width, height });
    draw();
  };
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  svg.setAttribute("tabindex", "0");
  svg.setAttribute("role", "group"); // a picture would hide its boxes from a screen reader

  // A large drawing begins in its own size, at the tokenizer, below: as a whole it would be too small to read.
  if (Math.min(svg.clientWidth / width, svg.clientHeight / height) < 0.6) {
    const [wide, high] = [svg.clientWidth, svg.clientHeight];
    const start = (svg.querySelector(".tokenizer") || svg).getBoundingClientRect();
    const middle = new DOMPoint(start.left + start.width / 2, start.top).matrixTransform(svg.getScreenCTM().inverse()).x;
    Object.assign(view, { x: Math.max(0, middle - wide / 2), y: height - high, width: wide, height: high });
    draw();
  }

  // Where the pieces for paper begin and end: not within a box.
  const cuts = () => {
    const inside = svg.getScreenCTM().inverse();
    const spans = boxes
      .filter((box) => !box.querySelector("[data-step]"))
      .map((box) => box.getBoundingClientRect())
      .map(({ left, top, bottom }) => [top, bottom].map((y) => new DOMPoint(left, y).matrixTransform(inside).y));
    const found = [0];
    while (height - found.at(-1) > PIECE * width) {
      const start = found.at(-1);
      let end = start + PIECE * width;
      for (let crossed = [end + 6]; crossed; crossed = spans.find(([top, bottom]) => top - 6 < end && end < bottom + 6)) end = crossed[0] - 6;
      found.push(end > start + 0.5 * PIECE * width ? end : start + PIECE * width);
    }
    return [...found, height];
  };

  // Paper shows all of it, as wide as the page and in pieces that fit on one; each begins where the one before ends.
  onPaper(
    () => {
      const pieces = cuts();
      frame.replaceChildren(
        ...pieces.slice(1).map((end, place) => {
          const part = svg.cloneNode(true);
          part.setAttribute("viewBox", `0 ${pieces[place]} ${width} ${end - pieces[place]}`);
          return part;
        }),
      );
    },
    () => frame.replaceChildren(svg),
  );

  let from = null;
  let moved = false;
  svg.addEventListener("pointerdown", (event) => {
    from = [event.clientX, event.clientY];
    moved = false;
  });
  svg.addEventListener("pointermove", (event) => {
    if (!from || !event.buttons) return;
    const [x, y] = [event.clientX - from[0], event.clientY - from[1]];
    if (!moved && Math.hypot(x, y) < 4) return;
    if (!moved) svg.setPointerCapture(event.pointerId);
    moved = true;
    from = [event.clientX, event.clientY];
    move(-x * scale(), -y * scale());
  });
  svg.addEventListener("pointerup", () => (from = null));
  svg.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return; // a plain wheel scrolls the page
      event.preventDefault();
      const box = svg.getBoundingClientRect();
      zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    },
    { passive: false },
  );
  svg.addEventListener("keydown", (event) => {
    const step = view.width / 10;
    const acts = {
      ArrowLeft: () => move(-step, 0),
      ArrowRight: () => move(step, 0),
      ArrowUp: () => move(0, -step),
      ArrowDown: () => move(0, step),
      "+": () => zoom(1 / 1.3),
      "=": () => zoom(1 / 1.3),
      "-": () => zoom(1.3),
      0: fit,
    };
    const box = event.target.closest("[data-step]");
    if (box) {
      const at = boxes.indexOf(box);
      const to = (place) => () => boxes[Math.max(0, Math.min(boxes.length - 1, place))].focus();
      Object.assign(acts, { ArrowLeft: to(at - 1), ArrowUp: to(at - 1), ArrowRight: to(at + 1), ArrowDown: to(at + 1), Home: to(0), End: to(boxes.length - 1) });
      acts.Enter = acts[" "] = () => go(Number(box.dataset.step));
    }
    if (!acts[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    acts[event.key]();
  });
  svg.addEventListener("click", (event) => {
    const box = event.target.closest("[data-step]");
    if (box && !moved) go(Number(box.dataset.step));
  });
  // Of the boxes the Tab key reaches one; from it arrow keys go to the others, in the order in which they ran.
  const boxes = [...svg.querySelectorAll("[data-step]")].sort((one, other) => one.dataset.step - other.dataset.step);
  const reach = (wanted) => boxes.forEach((box) => box.setAttribute("tabindex", box === wanted ? "0" : "-1"));
  for (const box of boxes) {
    box.setAttribute("role", "button");
    if (!box.querySelector("title")) box.setAttribute("aria-label", safe(name(Number(box.dataset.step))));
  }
  if (boxes.length) reach(boxes[0]);
  svg.addEventListener("focusin", (event) => {
    const box = event.target.closest("[data-step]");
    if (!box) return;
    reach(box);
    const [seen, frame_] = [box.getBoundingClientRect(), svg.getBoundingClientRect()];
    const inside = seen.left >= frame_.left && seen.right <= frame_.right && seen.top >= frame_.top && seen.bottom <= frame_.bottom;
    if (inside) return;
    const [x, y] = [seen.left + seen.width / 2 - frame_.left - frame_.width / 2, seen.top + seen.height / 2 - frame_.top - frame_.height / 2];
    move(x * scale(), y * scale());
  });
  const button = (text, label, act) => h("button", { type: "button", "aria-label": label, on: { click: act } }, text);
  frame.before(
    h("div", { class: "bar" }, button("+", "Zoom in", () => zoom(1 / 1.3)), button("−", "Zoom out", () => zoom(1.3)), button("Fit", "Show the whole diagram", fit)),
  );
  const select = (id) => {
    for (const box of svg.querySelectorAll("[data-step]")) box.classList.toggle("selected", Number(box.dataset.step) === id);
  };
  return { select };
};
