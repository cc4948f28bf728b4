// Every head of every layer as a small picture, and the heads of one layer in numbers. Each is one stop of the Tab key.

const headMap = ({ layers, special: [first, last], state, places, words, side, full, choose }) => {
  const heads = layers[0].heads;
  const small = h("div", { class: "scroll" });
  const said = h("output", { class: "said", "aria-live": "off" });
  const table = h("div", { class: "scroll" });
  let tiles = [];

  const summary = (layer, head) => {
    const told = layer.told[state.row][head];
    const share = (value) => (value === null ? "–" : `${Math.round(100 * value)} %`);
    return { entropy: told[0] === null ? "–" : told[0].toFixed(2), shares: told.slice(1).map(share), padding: told[3] ?? 0 };
  };
  const isChosen = (place, head) => place === state.layer && String(head) === String(state.head);

  const fillTable = () => {
    const layer = layers[state.layer];
    const rows = Array.from({ length: layer.heads }, (_, head) => summary(layer, head));
    const padded = rows.some((row) => row.padding > 0.0005); // else there is nothing to say of it
    const titles = ["", "entropy, bits", first, last, ...(padded ? ["padding"] : [])];
    const body = rows.map(({ entropy, shares }, head) => {
      const chosen = isChosen(state.layer, head);
      const button = h("button", { type: "button", class: "link", "aria-pressed": chosen, on: { click: () => choose({ head: String(head) }) } }, `head ${head}`);
      return h("tr", { class: chosen ? "chosen" : "" }, h("th", { scope: "row" }, button), [entropy, ...shares.slice(0, padded ? 3 : 2)].map((text) => h("td", { class: "num" }, text)));
    });
    const focused = table.contains(document.activeElement) ? [...table.querySelectorAll("button")].indexOf(document.activeElement) : -1;
    table.replaceChildren(
      h("table", { class: "numbers" }, h("caption", { class: "minor" }, `Heads of layer ${layer.layer}`), h("thead", {}, h("tr", {}, titles.map((text) => h("th", { scope: "col", class: "num" }, text)))), h("tbody", {}, body)),
    );
    const buttons = table.querySelectorAll("button");
    const chosen = state.head === "mean" ? 0 : Number(state.head);
    inTable.reach(buttons[focused < 0 ? chosen : focused]);
    if (focused >= 0) buttons[focused].focus();
  };

  const drawTile = ([canvas, place, head]) => {
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
  const draw = () => tiles.forEach(drawTile);

  const fill = () => {
    tiles = [];
    const body = layers.map((layer, place) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, String(layer.layer)),
        Array.from({ length: heads }, (_, head) => {
          const { entropy, shares, padding: onPadding } = summary(layer, head);
          const in_words = words(place, head);
          const told = `layer ${layer.layer}, head ${head}: ${in_words ? `${in_words}; ` : ""}entropy ${entropy} bits; on ${first} ${shares[0]}, on ${last} ${shares[1]}${onPadding > 0.0005 ? `, on padding ${shares[2]}` : ""}`;
          const canvas = h("canvas", { "aria-hidden": "true" });
          tiles.push([canvas, place, head]);
          const button = h("button", { type: "button", on: { click: () => choose({ layer: place, head: String(head) }) } }, canvas);
          button.ariaLabel = told; // its tokens are safe to read as they are
          return h("td", {}, button);
        }),
      ),
    );
    const heading = h("tr", {}, h("th", { scope: "col" }, "layer"), Array.from({ length: heads }, (_, head) => h("th", { scope: "col" }, String(head))));
    small.replaceChildren(h("table", { class: "tiles", "aria-label": "Every head of every layer" }, h("thead", {}, heading), h("tbody", {}, body)));
    draw();
    mark();
  };
  // Shows which head is the enlarged one.
  const mark = () => {
    const buttons = [...small.querySelectorAll("button")];
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", isChosen(Math.floor(place / heads), place % heads)));
    inMap.reach(buttons[state.layer * heads + (state.head === "mean" ? 0 : Number(state.head))]);
    fillTable();
  };

  const inMap = roving(small, () => heads);
  const inTable = roving(table, () => 1);
  const tell = (event) => {
    const button = event.target.closest("button");
    if (button) said.textContent = button.getAttribute("aria-label");
  };
  small.addEventListener("pointerover", tell);
  small.addEventListener("focusin", tell);
  return { element: h("div", { class: "map-of-heads" }, h("h3", { class: "minor" }, "Every head of every layer"), h("p", { class: "quiet" }, "Rows are layers, columns heads.", h("span", { class: "on-screen" }, " A click, or Enter, shows a head above; arrow keys move among them.")), small, said), table, fill, mark, draw };
};
