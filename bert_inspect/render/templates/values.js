// The values of a tensor as a heatmap: two of its axes are the matrix, of the others one place is chosen.

const TOKEN_AXES = ["tokens", "query tokens", "key tokens"];

// The matrix is the last two axes; of what has one number a token, the tokens alone; of a tensor that is split into
// heads, the tokens by what one head holds of each.
const matrixOf = (axes) => {
  const last = axes.length - 1;
  if (last === 1 && axes[0] === "batch" && TOKEN_AXES.includes(axes[1])) return [1]; // whose tokens they are is chosen
  const split = axes[last - 1] === "heads" && axes[last - 2] === "tokens";
  return [split ? last - 2 : last - 1, last].filter((axis) => axis >= 0);
};

const inCell = (value) => {
  if (!Number.isFinite(value)) return number(value);
  if (value < MASKED) return "masked";
  const size = Math.abs(value);
  if (value === 0 || (Number.isInteger(value) && size < 1e6)) return String(value);
  return size < 1e5 ? value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0) : value.toExponential(0);
};

const valuesOf = (data, step, place, { started }) => {
  const key = data.values[`${step.id}.${place}`];
  const held = typeof key === "string" ? data.values[key] : key;
  if (!held) return null;
  const tensor = step.outputs[place];
  const numbers = decoded(held.data, Float32Array);
  const { kept } = held;
  const axes = tensor.axes ?? kept.map((_, axis) => `axis ${axis}`);
  const ends = matrixOf(axes);
  const lead = kept.map((_, axis) => axis).filter((axis) => !ends.includes(axis));
  const at = kept.map(() => 0); // which place of each axis is chosen
  const sizes = kept.map((indices) => indices.length);
  const offset = (index) => index.reduce((sum, one, axis) => sum * sizes[axis] + one, 0);
  let most = 0; // the largest size in the matrix that is shown
  let negative = false;
  const { tokens } = data;
  const { attention_mask: masks, texts } = data.trace.input;
  const folded = axes.indexOf("batch and heads"); // each head of the first sentence, then each of the second
  const headsIn = folded < 0 ? 0 : tensor.shape[folded] / texts.length;

  // The sentence whose tokens an axis counts, null where it counts no tokens.
  const sentence = () => {
    if (lead.includes(0) && axes[0] === "batch") return kept[0][at[0]];
    return folded >= 0 && lead.includes(folded) ? Math.floor(kept[folded][at[folded]] / headsIn) : null;
  };
  // What all sentences share, such as the position ids, is of no one's tokens.
  const sentenceAlong = (axis) => (TOKEN_AXES.includes(axes[axis]) ? (sentence() ?? (texts.length === 1 ? 0 : null)) : null);
  const one = (axis) => (axes[axis] === "batch" ? "sentence" : axes[axis] === "batch and heads" ? "head" : axes[axis].replace(/s$/, ""));
  const names = (axis, index) => {
    const row = sentenceAlong(axis);
    if (row !== null && tokens[row]?.[index] !== undefined) return tokens[row][index];
    if (axes[axis] === "batch") return `sentence ${index + 1}`;
    if (axes[axis] === "batch and heads") return `head ${index % headsIn} in sentence ${Math.floor(index / headsIn) + 1}`;
    if (axes[axis] === "choices") return `choice ${index + 1}`;
    return axes[axis] === "labels" && data.labels.length === tensor.shape[axis] ? data.labels[index] : String(index);
  };

  // Which of the places that are held are shown: padding is left out unless it is asked for, or is all that there is.
  const places = (axis) => {
    const all = kept[axis].map((_, place_) => place_);
    const row = sentenceAlong(axis);
    const real = row === null ? all : all.filter((place_) => masks[row]?.[kept[axis][place_]] !== 0);
    return padding.shown || !real.length ? all : real;
  };
  const axisOf = (axis, shown) => ({
    size: shown.length,
    label: (place_) => names(axis, kept[axis][shown[place_]]),
    dim: (place_) => masks[sentenceAlong(axis)]?.[kept[axis][shown[place_]]] === 0,
    gap: (place_) => place_ > 0 && kept[axis][shown[place_]] !== kept[axis][shown[place_ - 1]] + 1,
  });
  const written = (number_) => (number_ < MASKED ? "masked" : number(number_));

  // What is chosen of the axes before the matrix: "head 3 of 12, sentence 1: I love cats!".
  const which = () =>
    lead
      .filter((axis) => tensor.shape[axis] > 1)
      .reverse()
      .map((axis) => {
        const index = kept[axis][at[axis]];
        if (axes[axis] === "batch") return `sentence ${index + 1}${texts.length === tensor.shape[axis] ? `: ${short(texts[index])}` : ""}`;
        if (axes[axis] === "heads") return `head ${index} of ${tensor.shape[axis]}`;
        return axes[axis] === "batch and heads" ? names(axis, index) : `${one(axis)} ${isolated(names(axis, index))}`;
      })
      .join(", ");

  const model = () => {
    const shown = ends.map(places);
    const indexOf = (row, column) => {
      const index = [...at];
      [row, column].slice(2 - ends.length).forEach((place_, axis) => (index[ends[axis]] = shown[axis][place_]));
      return index;
    };
    const value = (row, column) => numbers[offset(indexOf(row, column))];
    most = 0;
    negative = false;
    for (let row = 0; row < (ends.length > 1 ? shown[0].length : 1); row++)
      for (let column = 0; column < (shown.at(-1)?.length ?? 1); column++) {
        const number_ = value(row, column);
        if (!Number.isFinite(number_) || Math.abs(number_) >= 1e30) continue;
        most = Math.max(most, Math.abs(number_));
        negative ||= number_ < 0;
      }
    const [rows, columns] = [...Array(2 - ends.length).fill({ size: 1, label: () => "" }), ...ends.map((axis, place_) => axisOf(axis, shown[place_]))];
    return {
      name: `Values of ${step.label}${step.outputs.length > 1 ? `, ${tensor.name}` : ""}${which() ? `, ${which()}` : ""}`,
      rows,
      columns,
      value,
      text: inCell,
      shade: (number_) => {
        if (!Number.isFinite(number_) || number_ < MASKED) return ["--line", 1];
        return [number_ < 0 ? "--cold" : "--heat", most ? Math.abs(number_) / most : 0];
      },
      say: (row, column) => {
        const index = indexOf(row, column);
        const where = ends.map((axis) => `${one(axis)} '${isolated(names(axis, kept[axis][index[axis]]))}'`);
        return `${where.join(", ")}${where.length ? ": " : ""}${written(value(row, column))}`;
      },
      opened: data.cells ? (row, column) => arithmetic.open(indexOf(row, column).map((place_, axis) => kept[axis][place_])) : undefined,
    };
  };
  const arithmetic = arithmeticOf(data, step, place);
  const picture = heatmap(model());
  const option = (axis, index) => {
    if (axes[axis] === "batch") return index + 1;
    return axes[axis] === "tokens" ? `${index}: ${short(names(axis, index))}` : names(axis, index);
  };
  const pickers = lead.map((axis) =>
    kept[axis].length > 1
      ? choice(one(axis), kept[axis].map((index, place_) => [place_, option(axis, index)]), 0, (chosen) => {
          at[axis] = Number(chosen);
          show();
        })
      : null,
  );
  const title = h("p", { class: "which strong" });
  const told = h("p", { class: "quiet" });
  const cut = ends.some((axis) => kept[axis].length < tensor.shape[axis]);
  const show = () => {
    const hidden = Math.max(0, ...ends.map((axis) => kept[axis].length - places(axis).length));
    const few = lead.filter((axis) => axes[axis].includes("heads") && kept[axis].length < tensor.shape[axis]);
    const next = model();
    title.textContent = which();
    told.textContent = [
      cut ? "The ends of each axis; gaps stand for what is left out." : "",
      hidden ? `${hidden} padding token${hidden === 1 ? "" : "s"} hidden.` : "",
      ...few.map((axis) => `${kept[axis].length === 1 ? "One head" : `${kept[axis].length} heads`} of ${tensor.shape[axis]} on this page.`),
      most ? `Strongest colour: ${number(most)} blue${negative ? `, ${number(-most)} orange` : ""}.` : "",
      data.cells ? "A click on a cell, or Enter, opens where it comes from." : "",
    ]
      .filter(Boolean)
      .join(" ");
    picture.show(next);
  };
  const padded = ends.some((axis) => TOKEN_AXES.includes(axes[axis])) && masks.some((mask) => mask.includes(0));
  if (padded) pickers.push(paddingChoice());
  started.push({
    start: () => {
      padding.views.add(show);
      picture.start();
      show();
    },
    stop: () => {
      padding.views.delete(show);
      picture.stop();
    },
  });
  return h(
    "section",
    { class: "part", "aria-label": step.outputs.length > 1 ? `Values of ${tensor.name}` : "Values" },
    h("h4", {}, step.outputs.length > 1 ? `Values of ${safe(tensor.name)}` : "Values"),
    title,
    pickers.some(Boolean) ? h("div", { class: "bar" }, pickers) : "",
    picture.element,
    told,
    arithmetic.element,
  );
};
