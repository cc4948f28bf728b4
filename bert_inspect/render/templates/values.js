// The values of a tensor as a heatmap: its last two axes are the matrix, those before it are chosen.

const TOKEN_AXES = ["tokens", "query tokens", "key tokens"];

const valuesOf = (data, step, place, { started }) => {
  const held = data.values[`${step.id}.${place}`];
  if (!held) return null;
  const tensor = step.outputs[place];
  const numbers = decoded(held.data, Float32Array);
  const { kept } = held;
  const axes = tensor.axes ?? kept.map((_, axis) => `axis ${axis}`);
  const matrix = Math.max(0, kept.length - 2);
  const at = kept.slice(0, matrix).map(() => 0);
  const sizes = kept.map((indices) => indices.length);
  const offset = (index) => index.reduce((sum, one, axis) => sum * sizes[axis] + one, 0);
  let most = 0;
  for (const one of numbers) if (Number.isFinite(one) && Math.abs(one) < 1e30) most = Math.max(most, Math.abs(one));
  const negative = numbers.some((value) => value < 0 && value > MASKED);
  const one = (axis) => axis.replace(/s$/, "");
  const sentence = () => (axes[0] === "batch" && matrix > 0 ? kept[0][at[0]] : null);
  const { tokens } = data;
  const { attention_mask: masks } = data.trace.input;
  // The sentence whose tokens an axis counts, null where it counts no tokens.
  const sentenceAlong = (axis) => (TOKEN_AXES.includes(axes[axis]) ? (sentence() ?? (axes[0] === "batch" ? null : 0)) : null);
  const names = (axis, index) => {
    const row = sentenceAlong(axis);
    if (row !== null && tokens[row]?.[index] !== undefined) return tokens[row][index];
    return axes[axis] === "batch" ? `sentence ${index + 1}` : String(index);
  };
  // Which of the places that are held are shown: padding is left out unless it is asked for, or is all that there is.
  let padding = "hidden";
  const places = (axis) => {
    const all = kept[axis].map((_, place_) => place_);
    const row = sentenceAlong(axis);
    const real = row === null ? all : all.filter((place_) => masks[row]?.[kept[axis][place_]] !== 0);
    return padding === "shown" || !real.length ? all : real;
  };
  const axisOf = (axis, shown) => ({
    size: shown.length,
    label: (place_) => names(axis, kept[axis][shown[place_]]),
    dim: (place_) => masks[sentenceAlong(axis)]?.[kept[axis][shown[place_]]] === 0,
    gap: (place_) => place_ > 0 && kept[axis][shown[place_]] !== kept[axis][shown[place_ - 1]] + 1,
  });
  const written = (number_) => (number_ < MASKED ? "masked" : number(number_));
  const ends = [kept.length - 2, kept.length - 1].filter((axis) => axis >= 0);
  const model = () => {
    const shown = ends.map(places);
    const value = (row, column) => {
      const cell = [row, column].slice(2 - ends.length).map((place_, axis) => shown[axis][place_]);
      return numbers[offset([...at, ...cell])];
    };
    const [rows, columns] = [...Array(2 - ends.length).fill({ size: 1, label: () => "" }), ...ends.map((axis, place_) => axisOf(axis, shown[place_]))];
    return {
      name: `Values of ${step.label}`,
      rows,
      columns,
      value,
      shade: (number_) => {
        if (!Number.isFinite(number_) || number_ < MASKED) return [colour("--line"), false];
        const share = most ? Math.abs(number_) / most : 0;
        return [`rgb(${colour(number_ < 0 ? "--cold" : "--heat")} / ${share.toFixed(3)})`, share > 0.6];
      },
      say: (row, column) => {
        const where = [row, column].slice(2 - ends.length).map((place_, axis) => `${one(axes[ends[axis]])} '${safe(names(ends[axis], kept[ends[axis]][shown[axis][place_]]))}'`);
        return `${where.join(", ")}: ${written(value(row, column))}`;
      },
      opened: data.cells
        ? (row, column) => {
            const cell = [row, column].slice(2 - ends.length).map((place_, axis) => kept[ends[axis]][shown[axis][place_]]);
            arithmetic.open([...at.map((place_, axis) => kept[axis][place_]), ...cell]);
          }
        : undefined,
    };
  };
  const arithmetic = arithmeticOf(data, step, place);
  const picture = heatmap(model());
  const pickers = at.map((_, axis) =>
    kept[axis].length > 1
      ? choice(
          axes[axis] === "batch" ? "sentence" : one(axes[axis]),
          kept[axis].map((index, place_) => [place_, axes[axis] === "batch" ? index + 1 : index]),
          0,
          (chosen) => {
            at[axis] = Number(chosen);
            show();
          },
        )
      : null,
  );
  const told = h("p", { class: "quiet" });
  const show = () => {
    const hidden = Math.max(0, ...ends.map((axis) => kept[axis].length - places(axis).length));
    told.textContent = [
      cut ? "The ends of each axis; gaps stand for what is left out." : "",
      hidden ? `${hidden} padding token${hidden === 1 ? "" : "s"} hidden.` : "",
      most ? `Strongest colour: ${number(most)} blue${negative ? `, ${number(-most)} orange` : ""}.` : "",
      data.cells ? "A click on a cell, or Enter, opens where it comes from." : "",
    ]
      .filter(Boolean)
      .join(" ");
    picture.show(model());
  };
  if (ends.some((axis) => TOKEN_AXES.includes(axes[axis])) && masks.some((mask) => mask.includes(0)))
    pickers.push(choice("Padding", [["hidden", "hidden"], ["shown", "shown"]], padding, (chosen) => { padding = chosen; show(); }));
  const cut = kept.some((indices, axis) => indices.length < tensor.shape[axis]);
  started.push({ start: () => { picture.start(); show(); }, stop: picture.stop });
  return h(
    "section",
    { class: "part", "aria-label": "Values" },
    h("h4", {}, "Values"),
    told,
    pickers.some(Boolean) ? h("div", { class: "bar" }, pickers) : "",
    picture.element,
    arithmetic.element,
  );
};

// Where one number comes from: its arithmetic where the page holds it, else the command that shows it.
const arithmeticOf = (data, step, place) => {
  const element = h("div", { class: "arithmetic", "aria-live": "polite", hidden: true });
  const texts = data.cells?.texts[`${step.id}.${place}`] ?? {};
  const open = (index) => {
    const text = texts[index.join(",")];
    const where = index.map((one, axis) => `axis${axis}=${one}`).join(",");
    const { command } = data.cells;
    const asked = `bert-inspect cell '#${step.id}' ${command} --at ${where}`;
    element.replaceChildren(
      text
        ? h("div", { class: "mono sheet" }, text.split("\n").map((line) => h("div", {}, line)))
        : h("p", { class: "quiet" }, command ? "This page holds the arithmetic of each token's largest number. Of this one:" : "This page holds the arithmetic of each token's largest number."),
      text || !command ? "" : h("div", { class: "mono sheet command" }, asked),
    );
    element.hidden = false;
  };
  return { element, open };
};
