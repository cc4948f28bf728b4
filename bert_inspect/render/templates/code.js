// The source that ran in a module's call, each line with what it made there.

const listing = (data, step, chosen, go) => {
  const steps = data.trace.steps;
  const owner = data.code.calls[step.id] ? step : steps[step.parent ?? -1];
  const call = owner && data.code.calls[owner.id];
  if (!call) return null;
  const name = owner.path === "" ? owner.type : owner.path;
  const told = new Set();
  const functions = call.map(([place, made]) => {
    const shown = data.code.functions[place];
    const at = new Map();
    for (const [line, how, id, tensor] of made) at.set(line, [...(at.get(line) ?? []), [how, id, tensor]]);
    const lines = shown.lines.map(([line, parts, ran, left]) => {
      told.add(ran);
      const mine = (at.get(line) ?? []).some(([, id]) => id === chosen && chosen !== owner.id);
      return h(
        "li",
        { class: `line${ran === false ? " idle" : ""}${ran === null ? " untold" : ""}${mine ? " here" : ""}`, "aria-current": mine ? "step" : undefined },
        h("span", { class: "at" }, String(line)),
        h(
          "code",
          {},
          parts.map(([kind, text]) => (kind ? h("span", { class: `py-${kind}` }, text) : text)),
          left ? h("span", { class: "py-comment" }, `  … ${left} more lines`) : "",
        ),
        (at.get(line) ?? []).map(([how, id, tensor]) => result(how, steps[id], tensor, id === chosen, go)),
      );
    });
    return h(
      "div",
      { class: "function" },
      h("p", { class: "place" }, h("b", {}, dotted(shown.name)), " ", dotted(shown.file)),
      h("ol", { class: "lines" }, lines),
    );
  });
  const legend = [told.has(false) && "dimmed lines did not run", told.has(null) && "the trace does not say whether lines marked ? ran"];
  return h(
    "section",
    { class: "part", "aria-label": "Source" },
    h("h4", {}, "Source"),
    h("p", { class: "quiet" }, "what ran in ", dotted(name), legend.filter(Boolean).map((text) => `; ${text}`)),
    functions,
  );
};

const result = (how, step, place, chosen, go) => {
  const tensor = (how === "received" ? step.inputs : step.outputs)[place];
  const sign = { received: "←", made: "→", returned: "⇒" }[how];
  const name = how === "received" ? tensor?.name : step.label;
  return h(
    "span",
    { class: "made" },
    h("span", { "aria-hidden": "true" }, `${sign} `),
    how === "made" && !chosen
      ? h("button", { type: "button", class: "link", on: { click: () => go(step.id) } }, safe(name ?? ""))
      : h("b", {}, safe(name ?? "")),
    h("span", { class: "mono" }, tensor ? ` ${shapeOf(tensor.shape)}` : ""),
  );
};
