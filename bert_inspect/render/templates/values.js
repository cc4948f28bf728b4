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
  const value = (row, column) => {
    const end = kept.length === 0 ? [] : kept.length === 1 ? [column] : [row, column];
    return numbers[offset([...at, ...end])];
  };
  let most = 0;
  for (const one of numbers) if (Number.isFinite(one) && Math.abs(one) < 1e30) most = Math.max(most, Math.abs(one));
  const one = (axis) => axis.replace(/s$/, "");
  const sentence = () => (axes[0] === "batch" && matrix > 0 ? kept[0][at[0]] : null);
  const names = (axis, index) => {
    const tokens = data.trace.input.tokens;
    if (TOKEN_AXES.includes(axes[axis])) {
      const row = sentence() ?? (axes[0] === "batch" ? null : 0);
      if (row !== null && tokens[row]?.[index] !== undefined) return tokens[row][index];
    }
    return axes[axis] === "batch" ? `sentence ${index + 1}` : String(index);
  };
  const axisOf = (axis) => {
    if (axis < 0) return { size: 1, label: () => "" };
    const indices = kept[axis];
    return {
      size: indices.length,
      label: (place_) => names(axis, indices[place_]),
      gap: (place_) => place_ > 0 && indices[place_] !== indices[place_ - 1] + 1,
    };
  };
  const written = (number_) => (number_ < MASKED ? "masked" : number(number_));
  const model = () => ({
    name: `Values of ${step.label}`,
    rows: axisOf(kept.length - 2),
    columns: axisOf(kept.length - 1),
    value,
    shade: (number_) => {
      if (!Number.isFinite(number_) || number_ < MASKED) return [colour("--line"), false];
      const share = most ? Math.abs(number_) / most : 0;
      return [`rgb(${colour(number_ < 0 ? "--cold" : "--heat")} / ${share.toFixed(3)})`, share > 0.6];
    },
    say: (row, column) => {
      const where = [[kept.length - 2, row], [kept.length - 1, column]]
        .filter(([axis]) => axis >= 0)
        .map(([axis, place_]) => `${one(axes[axis])} '${safe(names(axis, kept[axis][place_]))}'`);
      return `${where.join(", ")}: ${written(value(row, column))}`;
    },
  });
  const picture = heatmap(model());
  const pickers = at.map((_, axis) =>
    kept[axis].length > 1
      ? choice(
          axes[axis] === "batch" ? "sentence" : one(axes[axis]),
          kept[axis].map((index, place_) => [place_, axes[axis] === "batch" ? index + 1 : index]),
          0,
          (chosen) => {
            at[axis] = Number(chosen);
            picture.show(model());
          },
        )
      : null,
  );
  const cut = kept.some((indices, axis) => indices.length < tensor.shape[axis]);
  started.push(picture);
  return h(
    "section",
    { class: "part", "aria-label": "Values" },
    h("h4", {}, "Values"),
    h("p", { class: "quiet" }, `${cut ? "the ends of each axis; gaps stand for what is left out. " : ""}Strongest colour: ${number(most)} blue, ${number(-most)} orange.`),
    pickers.some(Boolean) ? h("div", { class: "bar" }, pickers) : "",
    picture.element,
  );
};
