// A matrix as a heatmap that is read with mouse, keyboard and screen reader alike.
//
// model: { name, rows, columns, value(row, column), say(row, column), looked(row, column),
//          shade(value): the name of a colour, and how strong it is, from 0 to 1,
//          text(value): what stands in a cell, where that of every cell fits,
//          opened(row, column): what a click on a cell, or Enter, does }
// rows and columns: { size, label(at), dim(at), gap(at): whether indices are left out before it }

const heatmap = (first) => {
  let model = first;
  let at = null; // the cell that is looked at
  let plan = null;
  const cells = document.createElement("canvas"); // drawn once; what is looked at is drawn over it
  const canvas = h("canvas", { class: "heat", tabindex: 0, role: "application", "aria-roledescription": "heatmap" });
  const said = h("output", { class: "said", "aria-live": "polite" }, "");
  const scroller = h("div", { class: "scroll", tabindex: -1 }, canvas);
  const element = h("div", { class: "heatmap" }, scroller, said);
  const hint = "Point at a cell, or use the arrow keys.";

  const label = (axis, place) => {
    const text = safe(axis.label(place));
    return text.length > 14 ? `${text.slice(0, 13)}…` : text;
  };

  const widestNumber = (context) => {
    let most = 0;
    context.font = SMALL;
    for (let row = 0; row < model.rows.size; row++)
      for (let column = 0; column < model.columns.size; column++)
        most = Math.max(most, context.measureText(model.text(model.value(row, column))).width);
    context.font = FONT;
    return most;
  };

  const layout = (context) => {
    const room = Math.max(240, (element.clientWidth || 640) - 2);
    context.font = FONT;
    const widest = (axis) => {
      let most = 0;
      for (let place = 0; place < axis.size; place++) most = Math.max(most, context.measureText(label(axis, place)).width);
      return Math.ceil(most) + 10;
    };
    const left = widest(model.rows);
    const gaps = (axis) => Array.from({ length: axis.size }, (_, place) => (axis.gap?.(place) ? 1 : 0));
    const count = (flags) => flags.reduce((sum, flag) => sum + flag, 0);
    const [rowGaps, columnGaps] = [gaps(model.rows), gaps(model.columns)];
    const fits = Math.floor((room - left - count(columnGaps) * GAP) / model.columns.size);
    const flat = widest(model.columns) <= Math.min(fits, FLAT); // the names fit above their columns as they are read
    const most = Math.max(52, flat ? widest(model.columns) : 0);
    const side = Math.max(model.columns.size > 128 ? 3 : 9, Math.min(most, fits));
    const places = (flags, start, step) => {
      const found = [];
      let position = start;
      for (const flag of flags) {
        position += flag * GAP;
        found.push(position);
        position += step;
      }
      return [found, position];
    };
    const height = Math.max(model.columns.size > 128 ? 3 : 9, Math.min(side, 32));
    const top = flat ? 24 : widest(model.columns);
    const [xs, width] = places(columnGaps, left, side);
    const [ys, bottom] = places(rowGaps, top, height);
    const written = side >= 18 && model.text ? widestNumber(context) + 4 <= side : false;
    return { left, top, side, height, xs, ys, flat, written, width: width + 1, bottom: bottom + 1 };
  };

  const prepared = (target) => {
    const context = target.getContext("2d");
    const scale = window.devicePixelRatio || 1;
    target.width = plan.width * scale;
    target.height = plan.bottom * scale;
    context.scale(scale, scale);
    context.font = FONT;
    context.textBaseline = "middle";
    return context;
  };

  const draw = () => {
    plan = layout(canvas.getContext("2d"));
    const context = prepared(cells);
    const empty = colour("--empty");
    const between = plan.side > 5 ? 1 : 0;
    for (let row = 0; row < model.rows.size; row++) {
      for (let column = 0; column < model.columns.size; column++) {
        const value = model.value(row, column);
        const [name, share] = model.shade(value);
        context.fillStyle = empty;
        context.fillRect(plan.xs[column], plan.ys[row], plan.side - between, plan.height - between);
        context.fillStyle = tinted(name, share);
        context.fillRect(plan.xs[column], plan.ys[row], plan.side - between, plan.height - between);
        if (plan.written) {
          context.fillStyle = inkOn(name, share);
          context.textAlign = "center";
          context.font = SMALL;
          context.fillText(model.text(value), plan.xs[column] + plan.side / 2 - 0.5, plan.ys[row] + plan.height / 2 + 0.5);
          context.font = FONT;
        }
      }
    }
    overlay();
    const opens = model.opened ? ", Enter opens where one comes from" : "";
    canvas.setAttribute("aria-label", `${model.name}. Arrow keys move over the cells${opens}.`);
  };

  const overlay = () => {
    const context = prepared(canvas);
    canvas.style.width = `${plan.width}px`;
    canvas.style.height = `${plan.bottom}px`;
    context.drawImage(cells, 0, 0, plan.width, plan.bottom);
    const [ink, quiet, accent] = ["--ink", "--quiet", "--accent"].map(colour);
    const every = (step) => Math.max(1, Math.ceil(12 / step));
    context.textAlign = "right";
    for (let row = 0; row < model.rows.size; row += every(plan.height)) {
      context.fillStyle = at?.row === row ? accent : model.rows.dim?.(row) ? quiet : ink;
      context.fillText(label(model.rows, row), plan.left - 6, plan.ys[row] + plan.height / 2);
    }
    for (let column = 0; column < model.columns.size; column += every(plan.side)) {
      context.fillStyle = at?.column === column ? accent : model.columns.dim?.(column) ? quiet : ink;
      context.save();
      context.translate(plan.xs[column] + plan.side / 2, plan.top - 6);
      if (!plan.flat) context.rotate(-Math.PI / 2);
      context.textAlign = plan.flat ? "center" : "left";
      context.fillText(label(model.columns, column), 0, 0);
      context.restore();
    }
    if (at) {
      context.strokeStyle = accent;
      context.lineWidth = 2;
      context.strokeRect(plan.xs[at.column] - 0.5, plan.ys[at.row] - 0.5, plan.side, plan.height);
    }
  };

  const look = (row, column) => {
    if (at && at.row === row && at.column === column) return;
    at = { row, column };
    said.textContent = model.say(row, column);
    model.looked?.(row, column);
    overlay();
  };

  const nearest = (positions, step, place) => {
    const found = positions.findIndex((start) => place < start + step);
    return found >= 0 && place >= positions[found] ? found : -1;
  };
  const pointed = (event) => {
    const box = canvas.getBoundingClientRect();
    const row = nearest(plan.ys, plan.height, event.clientY - box.top);
    const column = nearest(plan.xs, plan.side, event.clientX - box.left);
    if (row >= 0 && column >= 0) look(row, column);
  };
  canvas.addEventListener("pointermove", pointed);
  canvas.addEventListener("pointerdown", pointed); // a finger does not hover
  canvas.addEventListener("click", (event) => {
    pointed(event);
    if (at) model.opened?.(at.row, at.column);
  });
  canvas.addEventListener("keydown", (event) => {
    const { row, column } = at ?? { row: 0, column: 0 };
    const [down, right] = [model.rows.size - 1, model.columns.size - 1];
    const moves = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [row, 0],
      End: [row, right],
      PageUp: [0, column],
      PageDown: [down, column],
    };
    if (event.key === "Enter" && at && model.opened) {
      event.preventDefault();
      model.opened(at.row, at.column);
      return;
    }
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (!at) look(0, 0);
    else look(Math.min(down, Math.max(0, move[0])), Math.min(right, Math.max(0, move[1])));
    const [x, y] = [plan.xs[at.column], scroller.scrollLeft];
    if (x < y + plan.left || x + plan.side > y + scroller.clientWidth) scroller.scrollLeft = x - scroller.clientWidth / 2;
  });
  canvas.addEventListener("focus", () => {
    if (!at) look(0, 0);
  });

  const show = (next) => {
    model = next;
    if (at && (at.row >= model.rows.size || at.column >= model.columns.size)) at = null;
    said.textContent = at ? model.say(at.row, at.column) : hint;
    if (at) model.looked?.(at.row, at.column);
    draw();
  };
  let width = 0;
  const watch = new ResizeObserver(() => {
    if (element.clientWidth !== width) {
      width = element.clientWidth;
      draw();
    }
  });
  const start = () => {
    redraws.add(draw);
    watch.observe(element);
    show(model);
  };
  const stop = () => {
    redraws.delete(draw);
    watch.disconnect();
  };
  return { element, start, stop, show };
};

const GAP = 8;
const FLAT = 120; // the widest column that is made to fit its name
const FONT = '12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace';
const SMALL = '11px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
const tinted = (name, share) => `rgb(${channels(name).join(" ")} / ${share.toFixed(3)})`;
const channels = (name) => {
  const value = colour(name);
  return value.startsWith("#") ? [1, 3, 5].map((at) => parseInt(value.slice(at, at + 2), 16)) : value.split(/\s+/).map(Number);
};
// The relative luminance of WCAG 2.2.
const luminance = (rgb) =>
  rgb.map((part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4).reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
const contrast = (one, other) => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
// What is written on a tint: whichever of the two inks stands out more from it.
const inkOn = (name, share) => {
  const [over, under] = [channels(name), channels("--empty")];
  const ground = luminance(over.map((part, at) => part * share + under[at] * (1 - share)));
  const [plain, strong] = ["--ink", "--on-strong"].map((ink) => contrast(ground, luminance(channels(ink))));
  return colour(strong > plain ? "--on-strong" : "--ink");
};
