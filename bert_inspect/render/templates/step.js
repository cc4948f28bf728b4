// Everything that is known of the selected step.

const stepView = (data, { go }) => {
  const steps = data.trace.steps;
  const users = steps.map(() => []);
  for (const step of steps)
    for (const tensor of step.inputs)
      if (tensor.from !== null && tensor.from !== undefined && !users[tensor.from].includes(step.id)) users[tensor.from].push(step.id);
  const element = h("div", { class: "step", role: "region", "aria-label": "Selected step", tabindex: 0 });
  let started = [];

  const link = (id) =>
    h("button", { type: "button", class: "link", on: { click: () => go(id) } }, `${safe(steps[id].label)}`, h("small", {}, " in ", dotted(steps[id].path || "the model")));

  const tensors = (title, list, origin) =>
    list.length
      ? h(
          "section",
          { class: "part", "aria-label": title },
          h("h4", {}, title),
          h(
            "ul",
            { class: "tensors" },
            list.map((tensor) =>
              h(
                "li",
                {},
                h("span", { class: "name" }, safe(tensor.name)),
                h("span", { class: "mono strong" }, shapeOf(tensor.shape)),
                h("span", { class: "quiet" }, [times(tensor), tensor.dtype, tensor.unread && `no numbers: it is ${tensor.unread}`].filter(Boolean).join(", ")),
                origin?.(tensor) ?? "",
              ),
            ),
          ),
        )
      : null;

  const origin = (tensor) => {
    if (tensor.from !== null && tensor.from !== undefined) return h("span", { class: "from" }, "from ", link(tensor.from));
    return tensor.parameter ? h("span", { class: "from" }, `parameter ${safe(tensor.parameter)}`) : null;
  };

  const statistics = (step) => {
    const rows = step.outputs.filter((tensor) => tensor.stats);
    if (!rows.length) return null;
    const names = ["min", "max", "mean", "std", "zeros", "nan", "inf"];
    return h(
      "section",
      { class: "part", "aria-label": "Statistics" },
      h("h4", {}, "Statistics"),
      rows.map((tensor) => [
        rows.length > 1 ? h("p", { class: "mono" }, safe(tensor.name)) : "",
        h(
          "dl",
          { class: "stats" },
          names.map((name) =>
            h("div", { class: ["nan", "inf"].includes(name) && tensor.stats[name] ? "warn" : "" }, h("dt", {}, name), h("dd", {}, number(tensor.stats[name]))),
          ),
        ),
      ]),
    );
  };

  const known = (step) => {
    const told = [];
    if (step.known_as?.length) told.push(["in transformers", step.known_as.join(", ")]);
    if (step.total_parameters) told.push(["parameters", count(step.total_parameters)]);
    if (step.total_flops) told.push(["FLOPs (matmuls)", count(step.total_flops)]);
    if (step.seconds !== null && step.seconds !== undefined) told.push(["seconds", step.seconds.toFixed(6)]);
    if (step.call) told.push(["call", `${step.call + 1} of this module`]);
    if (step.no_op) told.push(["effect", "none: returns its input unchanged"]);
    if (step.edited) told.push(["edited", "by --ablate: what it returned is not what it computed"]);
    if (step.failed) told.push(["failed", "the forward stopped here"]);
    return told.length
      ? h("dl", { class: "told" }, told.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, safe(value)))))
      : null;
  };

  const show = (id) => {
    started.forEach((picture) => picture.stop());
    started = [];
    const step = steps[id];
    const values = step.outputs.map((_, place) => valuesOf(data, step, place, { started }));
    element.replaceChildren(
      ...[
        h(
          "header",
          {},
          h("h3", {}, safe(step.label)),
          h("p", { class: "mono path" }, step.path ? dotted(step.path) : "the model itself"),
          h("p", { class: "mono quiet" }, `${safe(step.type)}(${safe(step.arguments)})`),
        ),
        known(step),
        tensors("Returned", step.outputs),
        statistics(step),
        ...values,
        tensors("Received", step.inputs, origin),
        users[id].length
          ? h("section", { class: "part", "aria-label": "Used by" }, h("h4", {}, "Used by"), h("ul", { class: "plain" }, users[id].map((other) => h("li", {}, link(other)))))
          : null,
        listing(data, step, id, go),
      ].filter(Boolean),
    );
    element.scrollTop = 0;
    started.forEach((picture) => picture.start());
  };
  return { element, show };
};
