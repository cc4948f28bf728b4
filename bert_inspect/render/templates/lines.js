// A head's attention as lines from each query token to the key tokens that it looks at: the numbers of the matrix.
//
// model: { name, names: the tokens, dim(place): whether one is padding, share(query, key) }

const attentionLines = ({ looked }) => {
  const LEAST = 0.02; // below it no line is drawn while all are shown
  const SVG = "http://www.w3.org/2000/svg";
  let model = null;
  let at = null; // the token that is looked at: { side: 0 for a query, 1 for a key, place }
  let plan = null;
  const svg = document.createElementNS(SVG, "svg");
  const said = h("output", { class: "said", "aria-live": "polite" });
  const scroller = h("div", { class: "scroll" });
  const element = h("div", { class: "lines-of-head" }, scroller, said);
  const hint = "Point at a token, or use the arrow keys, to see its lines alone.";

  const draw_ = (tag, settings, text) => {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(settings)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const label = (place) => {
    const text = safe(model.names[place]);
    return text.length > 14 ? `${text.slice(0, 13)}…` : text;
  };
  const share = (query, key) => model.share(query, key) || 0; // nothing where a query sees nothing
  const shareOf = (place) => (at.side === 0 ? share(at.place, place) : share(place, at.place));

  const layout = () => {
    const context = document.createElement("canvas").getContext("2d");
    context.font = FONT;
    const widest = Math.max(0, ...model.names.map((_, place) => context.measureText(label(place)).width));
    const width = Math.max(200, Math.min(element.clientWidth || 320, 460));
    const column = Math.min(Math.ceil(widest) + 16, Math.floor(width * 0.4));
    const row = model.names.length > 16 ? 22 : 30;
    plan = { width, column, row, top: 26, height: 26 + row * model.names.length + 4 };
  };
  const middle = (place) => plan.top + plan.row * (place + 0.5);

  const render = () => {
    if (!model) return;
    layout();
    const { width, column, height, row } = plan;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    svg.setAttribute("aria-label", `Lines of attention, ${model.name}. Up and down move over the tokens, left and right between query and key tokens, Escape shows all lines.`);
    const parts = [draw_("text", { class: "side", x: column - 8, y: 14, "text-anchor": "end" }, "query"), draw_("text", { class: "side", x: width - column + 8, y: 14 }, "key")];
    const line = (query, key, strength) =>
      draw_("line", { x1: column, y1: middle(query), x2: width - column, y2: middle(key), "stroke-width": (0.6 + 3.4 * strength).toFixed(2), "stroke-opacity": Math.sqrt(strength).toFixed(3) });
    const count_ = model.names.length;
    if (at) {
      for (let place = 0; place < count_; place++) {
        const strength = shareOf(place);
        if (strength < 0.0005) continue;
        parts.push(at.side === 0 ? line(at.place, place, strength) : line(place, at.place, strength));
        parts.push(draw_("rect", { class: "seen", x: at.side === 0 ? width - column + 2 : 2, y: middle(place) - row / 2 + 1, width: column - 4, height: row - 2, rx: 3, "fill-opacity": (0.45 * Math.sqrt(strength)).toFixed(3) }));
      }
      parts.push(draw_("rect", { class: "chosen", x: at.side === 0 ? 2 : width - column + 2, y: middle(at.place) - row / 2 + 1, width: column - 4, height: row - 2, rx: 3 }));
    } else {
      for (let query = 0; query < count_; query++)
        for (let key = 0; key < count_; key++) if (share(query, key) >= LEAST) parts.push(line(query, key, share(query, key)));
    }
    for (let place = 0; place < count_; place++)
      for (const side of [0, 1]) {
        const x = side === 0 ? column - 8 : width - column + 8;
        parts.push(draw_("text", { class: model.dim(place) ? "token dim" : "token", x, y: middle(place) + 4, "text-anchor": side === 0 ? "end" : "start" }, label(place)));
      }
    svg.replaceChildren(...parts);
  };

  const tell = () => {
    if (!at) return hint;
    const all = model.names.map((name, place) => [shareOf(place), name]).filter(([one]) => one >= 0.0005).sort((one, other) => other[0] - one[0]);
    const told = all.slice(0, 3).map(([one, name]) => `'${isolated(name)}' ${percent(one)}`).join(", ");
    const name = isolated(model.names[at.place]);
    if (!told) return at.side === 0 ? `Nothing is visible to '${name}'.` : `Nothing looks at '${name}'.`;
    return at.side === 0 ? `'${name}' looks at ${told}` : `'${name}' is looked at by ${told}`;
  };
  const look = (next) => {
    if (next && at && next.side === at.side && next.place === at.place) return;
    if (!next && !at) return;
    at = next;
    said.textContent = tell();
    if (at?.side === 0) looked(at.place);
    render();
  };

  svg.setAttribute("class", "head-lines");
  svg.setAttribute("role", "application");
  svg.setAttribute("aria-roledescription", "lines between tokens");
  svg.setAttribute("tabindex", "0");
  scroller.append(svg);
  const pointed = (event) => {
    const box = svg.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) * (plan.width / box.width), (event.clientY - box.top) * (plan.height / box.height)];
    const place = Math.floor((y - plan.top) / plan.row);
    const side = x <= plan.column ? 0 : x >= plan.width - plan.column ? 1 : -1;
    look(side >= 0 && place >= 0 && place < model.names.length ? { side, place } : null);
  };
  svg.addEventListener("pointermove", pointed);
  svg.addEventListener("pointerdown", pointed); // a finger does not hover
  svg.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse") look(null);
  });
  svg.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { side, place } = at ?? { side: 0, place: -1 };
    const last = model.names.length - 1;
    const moves = {
      ArrowUp: { side, place: Math.max(0, place - 1) },
      ArrowDown: { side, place: Math.min(last, place + 1) },
      ArrowLeft: { side: 0, place: Math.max(0, place) },
      ArrowRight: { side: 1, place: Math.max(0, place) },
      Home: { side, place: 0 },
      End: { side, place: last },
      Escape: null,
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    look(moves[event.key]);
    svg.querySelector(".chosen")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  svg.addEventListener("blur", () => look(null));

  // Shows the lines of a query token that is looked at in the matrix.
  const mark = (place) => {
    if (!model || place >= model.names.length) return;
    at = { side: 0, place };
    said.textContent = "";
    render();
  };
  const show = (next) => {
    model = next;
    if (at && at.place >= model.names.length) at = null;
    said.textContent = tell();
    render();
  };
  let width = 0;
  new ResizeObserver(() => {
    if (element.clientWidth !== width) {
      width = element.clientWidth;
      render();
    }
  }).observe(element);
  return { element, show, mark };
};
