// Where one number comes from: its arithmetic where the page holds it, else the command that shows it.
const arithmeticOf = (data, step, place) => {
  const about = `This page holds the arithmetic of each token's largest number${step.outputs[place].axes?.includes("heads") ? ", in the first head" : ""}.`;
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
        : h("p", { class: "quiet" }, command ? `${about} Of this one:` : about),
      text || !command ? "" : h("div", { class: "mono sheet command" }, asked),
    );
    element.hidden = false;
  };
  return { element, open };
};
