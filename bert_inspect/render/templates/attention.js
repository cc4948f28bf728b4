// Attention: one head enlarged as a matrix and as lines, and every head of every layer beside the others.

const attentionView = (data) => {
  const { layers, tokens: side, special } = data.attention;
  const full = 65535;
  for (const layer of layers) {
    layer.numbers = decoded(layer.data, Uint16Array);
    delete layer.data;
    layer.blindRows = new Set(layer.blind.map(([row, query]) => `${row}.${query}`));
  }
  const held = layers[0].told.length;
  const total = data.trace.input.texts.length;
  const state = { row: 0, layer: layers.length - 1, head: "mean" };
  if (data.chosen) {
    state.layer = Math.max(0, layers.findIndex((layer) => layer.layer === data.chosen.layer));
    state.head = data.chosen.head ?? "mean";
  }
  const tokens = () => data.tokens[state.row].slice(0, side);
  const hidden = (place) => !data.trace.input.attention_mask[state.row][place];
  // The tokens that are shown: padding is left out unless it is asked for, or is all that there is.
  const places = () => {
    const all = tokens().map((_, place) => place);
    const real = all.filter((place) => !hidden(place));
    return padding.shown || !real.length ? all : real;
  };

  const at = (layer, head, query, key) => {
    const start = ((state.row * layer.heads + head) * side + query) * side + key;
    return layer.numbers[start] / full;
  };
  const probability = (query, key) => {
    const layer = layers[state.layer];
    if (layer.blindRows.has(`${state.row}.${query}`) && sums(layer, query) === 0) return NaN;
    if (state.head !== "mean") return at(layer, Number(state.head), query, key);
    let sum = 0;
    for (let head = 0; head < layer.heads; head++) sum += at(layer, head, query, key);
    return sum / layer.heads;
  };
  const sums = (layer, query) => {
    let sum = 0;
    for (let key = 0; key < side; key++) sum += at(layer, 0, query, key);
    return sum;
  };
  const title = () => `layer ${layers[state.layer].layer}, ${state.head === "mean" ? `mean of ${layers[state.layer].heads} heads` : `head ${state.head}`}`;
  const words = (place, head) => (layers[place].words[state.row]?.[head] ?? "").replace(/\{(\d+)\}/g, (_, token) => isolated(data.tokens[state.row][Number(token)]));
  const said = (query, key) => {
    const share = probability(query, key);
    const names = tokens();
    return Number.isNaN(share)
      ? `query '${isolated(names[query])}': nothing is visible to it`
      : `query '${isolated(names[query])}' → key '${isolated(names[key])}': ${percent(share)}`;
  };

  const most = h("ol", { class: "most" });
  const lookedAt = h("h3", { class: "minor" });
  let query_ = null; // the query token whose keys are listed
  const looked = (query) => {
    query_ = query;
    const names = tokens();
    const shares = names.map((name, key) => [probability(query, key), name]);
    shares.sort((one, other) => other[0] - one[0]);
    lookedAt.textContent = `'${isolated(names[query])}' looks at`;
    most.replaceChildren(
      ...shares.slice(0, 6).filter(([share]) => share >= 0.0005).map(([share, name]) => {
        const bar = h("span", { class: "fill", "aria-hidden": "true" });
        bar.style.width = `${100 * share}%`;
        return h("li", {}, bar, h("span", { class: "mono" }, safe(name)), h("span", { class: "num" }, percent(share)));
      }),
    );
  };
  const axis = () => {
    const names = tokens();
    const shown = places();
    return { size: shown.length, label: (at_) => names[shown[at_]], dim: (at_) => hidden(shown[at_]) };
  };
  const model = (shown = places()) => ({
    name: `Attention of ${title()}`,
    rows: axis(),
    columns: axis(),
    value: (query, key) => probability(shown[query], shown[key]),
    shade: (share) => (Number.isNaN(share) ? ["--bad", 1] : ["--heat", Math.sqrt(share)]),
    text: (share) => (share >= 0.005 ? String(Math.round(100 * share)) : ""),
    say: (query, key) => said(shown[query], shown[key]),
    looked: (query) => {
      looked(shown[query]);
      lines.mark(query);
    },
  });
  const picture = heatmap(model());
  const lines = attentionLines({ looked: (place) => looked(places()[place]) });
  const caption = h("p", { class: "caption" });
  const pattern = h("p", { class: "pattern", "aria-live": "polite" });
  const pickers = h("div", { class: "bar" });
  const frame = h("div", { class: "pair" }, picture.element, lines.element);

  const map = headMap({ layers, special, state, places, words, side, full, choose: (chosen) => choose({ ...chosen, seen: true }) });
  const fillPickers = () => {
    const heads = Array.from({ length: layers[0].heads }, (_, head) => [head, `head ${head}`]);
    pickers.replaceChildren(
      choice("Sentence", Array.from({ length: held }, (_, row) => [row, `${row + 1}: ${short(data.trace.input.texts[row])}`]), state.row, (row) => choose({ row: Number(row) })),
      choice("Layer", layers.map((layer, place) => [place, `layer ${layer.layer}`]), state.layer, (layer) => choose({ layer: Number(layer) })),
      choice("Head", [["mean", "mean of all"], ...heads], state.head, (head) => choose({ head })),
      data.trace.input.attention_mask.slice(0, held).some((mask) => mask.includes(0)) ? paddingChoice() : "",
    );
  };
  const update = () => {
    const row = state.row;
    const shown = places();
    const blind = layers[state.layer].blind.filter(([sentence]) => sentence === row).length;
    const left = tokens().length - shown.length;
    caption.replaceChildren(
      h("b", {}, title()),
      ` of sentence ${row + 1}${held < total ? ` (${held} of ${total} are on this page)` : ""}: each row is a query token, and shows in percent which key tokens it looks at.${left ? ` ${left} padding token${left === 1 ? "" : "s"} hidden.` : ""}`,
      blind ? h("span", { class: "warn" }, ` Nothing is visible to ${blind} query tokens: what stands there says nothing.`) : "",
    );
    const told = state.head === "mean" ? "" : words(state.layer, Number(state.head));
    pattern.textContent = told ? `${told[0].toUpperCase()}${told.slice(1)}.` : state.head === "mean" ? "Choose one head to have it described." : "";
    if (/\(\d+\)/.test(told)) pattern.append(h("span", { class: "quiet" }, " A number in parentheses is a token's place, counted from 0."));
    pattern.className = told ? "pattern" : "pattern quiet on-screen";
    frame.classList.toggle("many", shown.length > 10);
    lines.show({
      name: title(),
      names: shown.map((place) => tokens()[place]),
      dim: (place) => hidden(shown[place]),
      share: (query, key) => probability(shown[query], shown[key]),
    });
    picture.show(model());
    if (query_ === null || !shown.includes(query_)) query_ = shown[0];
    looked(query_);
    map.mark();
  };
  const choose = ({ seen = false, ...change }) => {
    const sentence = change.row !== undefined && change.row !== state.row;
    Object.assign(state, change);
    pickers.querySelectorAll("select").forEach((select, place) => {
      if (place < 3) select.value = [state.row, state.layer, state.head][place];
    });
    if (sentence) map.fill();
    update();
    if (seen) caption.scrollIntoView({ block: "nearest" });
  };

  const element = h(
    "div",
    { class: "attention" },
    pickers,
    caption,
    pattern,
    h("div", { class: "columns" }, frame, h("aside", { "aria-label": "The head in numbers" }, h("div", {}, lookedAt, most), map.table)),
    map.element,
  );
  const start = () => {
    fillPickers();
    map.fill();
    redraws.add(map.draw);
    padding.views.add(() => {
      map.fill();
      update();
    });
    picture.start();
    update();
  };
  return { element, start };
};
