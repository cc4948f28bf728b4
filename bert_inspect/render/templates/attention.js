// Attention: one head enlarged, and every head of every layer beside the others.

const attentionView = (data) => {
  const { layers, tokens: side, special: [first, last] } = data.attention;
  const full = 65535;
  for (const layer of layers) {
    layer.numbers = decoded(layer.data, Uint16Array);
    delete layer.data;
    layer.blindRows = new Set(layer.blind.map(([row, query]) => `${row}.${query}`));
  }
  const held = layers[0].told.length;
  const total = data.trace.input.texts.length;
  const state = { row: 0, layer: layers.length - 1, head: "mean", padding: "hidden" };
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
    return state.padding === "shown" || !real.length ? all : real;
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
  const said = (query, key) => {
    const share = probability(query, key);
    const names = tokens();
    return Number.isNaN(share)
      ? `query '${safe(names[query])}': nothing is visible to it`
      : `query '${safe(names[query])}' → key '${safe(names[key])}': ${percent(share)}`;
  };

  const most = h("ol", { class: "most" });
  const lookedAt = h("h3", { class: "minor" });
  const looked = (query) => {
    const names = tokens();
    const shares = names.map((name, key) => [probability(query, key), name]);
    shares.sort((one, other) => other[0] - one[0]);
    lookedAt.textContent = `'${safe(names[query])}' looks at`;
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
    shade: (share) => (Number.isNaN(share) ? [colour("--bad"), true] : [blue(Math.sqrt(share).toFixed(3)), share > 0.45]),
    text: (share) => (share >= 0.005 ? String(Math.round(100 * share)) : ""),
    say: (query, key) => said(shown[query], shown[key]),
    looked: (query) => looked(shown[query]),
  });
  const picture = heatmap(model());
  const caption = h("p", { class: "caption" });
  const table = h("tbody");
  const small = h("div", { class: "scroll" });
  const pickers = h("div", { class: "bar" });

  const summary = (layer, head) => {
    const told = layer.told[state.row][head];
    const share = (value) => (value === null ? "–" : `${Math.round(100 * value)} %`);
    return { entropy: told[0] === null ? "–" : told[0].toFixed(2), shares: told.slice(1).map(share) };
  };
  const fillTable = () => {
    const layer = layers[state.layer];
    table.replaceChildren(
      ...Array.from({ length: layer.heads }, (_, head) => {
        const { entropy, shares } = summary(layer, head);
        const button = h("button", { type: "button", class: "link", on: { click: () => choose({ head: String(head) }) } }, `head ${head}`);
        return h("tr", { class: String(head) === String(state.head) ? "chosen" : "" }, h("th", { scope: "row" }, button), h("td", { class: "num" }, entropy), shares.map((text) => h("td", { class: "num" }, text)));
      }),
    );
  };

  const tile = (canvas, place, head) => {
    const shown = places();
    const names = shown.length;
    const block = Math.ceil(names / 64); // of a big matrix each point is the strongest cell of a block
    const edge = Math.ceil(names / block);
    canvas.width = canvas.height = edge;
    const context = canvas.getContext("2d");
    const image = context.createImageData(edge, edge);
    const [red, green, blue_] = colour("--heat").split(" ").map(Number);
    const layer = layers[place];
    const strongest = new Uint16Array(edge * edge);
    const start = (state.row * layer.heads + head) * side * side;
    for (let query = 0; query < names; query++)
      for (let key = 0; key < names; key++) {
        const cell = Math.floor(query / block) * edge + Math.floor(key / block);
        const value = layer.numbers[start + shown[query] * side + shown[key]];
        if (value > strongest[cell]) strongest[cell] = value;
      }
    for (let cell = 0; cell < strongest.length; cell++)
      image.data.set([red, green, blue_, 255 * Math.sqrt(strongest[cell] / full)], 4 * cell);
    context.putImageData(image, 0, 0);
  };
  let tiles = [];
  const fillSmall = () => {
    const heads = layers[0].heads;
    tiles = [];
    const body = layers.map((layer, place) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, String(layer.layer)),
        Array.from({ length: heads }, (_, head) => {
          const { entropy, shares } = summary(layer, head);
          const told = `layer ${layer.layer}, head ${head}: entropy ${entropy} bits; on ${first} ${shares[0]}, on ${last} ${shares[1]}, on padding ${shares[2]}`;
          const canvas = h("canvas", { "aria-hidden": "true" });
          tiles.push([canvas, place, head]);
          const chosen = place === state.layer && String(head) === String(state.head);
          return h("td", {}, h("button", { type: "button", title: told, "aria-label": told, "aria-pressed": chosen, on: { click: () => choose({ layer: place, head: String(head) }) } }, canvas));
        }),
      ),
    );
    const heading = h("tr", {}, h("th", { scope: "col" }, "layer"), Array.from({ length: heads }, (_, head) => h("th", { scope: "col" }, String(head))));
    small.replaceChildren(h("table", { class: "tiles" }, h("caption", {}, "Every head of every layer: columns are heads"), h("thead", {}, heading), h("tbody", {}, body)));
    drawTiles();
  };
  const drawTiles = () => tiles.forEach(([canvas, place, head]) => tile(canvas, place, head));

  const padded = data.trace.input.attention_mask.slice(0, held).some((mask) => mask.includes(0));
  const fillPickers = () => {
    const heads = Array.from({ length: layers[0].heads }, (_, head) => [head, `head ${head}`]);
    pickers.replaceChildren(
      choice("Sentence", Array.from({ length: held }, (_, row) => [row, `${row + 1}: ${short(data.trace.input.texts[row])}`]), state.row, (row) => choose({ row: Number(row) })),
      choice("Layer", layers.map((layer, place) => [place, `layer ${layer.layer}`]), state.layer, (layer) => choose({ layer: Number(layer) })),
      choice("Head", [["mean", "mean of all"], ...heads], state.head, (head) => choose({ head })),
      padded ? choice("Padding", [["hidden", "hidden"], ["shown", "shown"]], state.padding, (padding) => choose({ padding })) : "",
    );
  };
  const update = () => {
    const row = state.row;
    const blind = layers[state.layer].blind.filter(([sentence]) => sentence === row).length;
    const left = tokens().length - places().length;
    caption.replaceChildren(
      h("b", {}, title()),
      ` of sentence ${row + 1}${held < total ? ` (${held} of ${total} are on this page)` : ""}: each row is a query token, and shows in percent which key tokens it looks at.${left ? ` ${left} padding token${left === 1 ? "" : "s"} hidden.` : ""}`,
      blind ? h("span", { class: "warn" }, ` Nothing is visible to ${blind} query tokens: what stands there says nothing.`) : "",
    );
    picture.show(model());
    fillTable();
    small.querySelectorAll("button").forEach((button, place) => {
      const heads = layers[0].heads;
      button.setAttribute("aria-pressed", Math.floor(place / heads) === state.layer && String(place % heads) === String(state.head));
    });
  };
  const choose = (change) => {
    const sentence = (change.row !== undefined && change.row !== state.row) || change.padding !== undefined;
    Object.assign(state, change);
    pickers.querySelectorAll("select").forEach((select, place) => (select.value = [state.row, state.layer, state.head, state.padding][place]));
    if (sentence) fillSmall();
    update();
  };

  const element = h(
    "div",
    { class: "attention" },
    pickers,
    caption,
    h(
      "div",
      { class: "columns" },
      picture.element,
      h(
        "aside",
        { "aria-label": "The head in numbers" },
        lookedAt,
        most,
        h("h3", { class: "minor" }, "Heads of this layer"),
        h(
          "div",
          { class: "scroll" },
          h("table", { class: "numbers" }, h("thead", {}, h("tr", {}, ["", "entropy, bits", first, last, "padding"].map((text) => h("th", { scope: "col", class: "num" }, text)))), table),
        ),
      ),
    ),
    small,
  );
  const start = () => {
    fillPickers();
    fillSmall();
    redraws.add(drawTiles);
    picture.start();
    update();
    looked(0);
  };
  return { element, start };
};
