// The coloured text of an explanation: what is pointed at, or reached with the arrow keys, is said with its number and
// marked in the rows. It is one stop of the Tab key, however long the text.

const explained = (answer) => {
  const text = answer.querySelector(".why-text");
  if (!text) return;
  const pieces = [...text.querySelectorAll(".piece")];
  const said = answer.querySelector(".legend .said");
  const rows = new Map([...answer.querySelectorAll("tr[data-key]")].map((row) => [row.dataset.key, row]));
  let at = -1;
  const look = (next) => {
    if (next === at || !pieces.length) return;
    if (at >= 0) mark(pieces[at], false);
    at = Math.max(0, Math.min(pieces.length - 1, next));
    mark(pieces[at], true);
    said.textContent = pieces[at].title;
  };
  const mark = (piece, on) => {
    piece.classList.toggle("at", on);
    rows.get(piece.dataset.key)?.classList.toggle("at", on);
  };
  text.tabIndex = 0;
  text.setAttribute("aria-label", `${text.getAttribute("aria-label")}. Arrow keys move over them.`);
  text.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: at - 1, ArrowUp: at - 1, ArrowRight: at + 1, ArrowDown: at + 1, Home: 0, End: pieces.length - 1 };
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    look(moves[event.key]);
    pieces[at].scrollIntoView({ block: "nearest" });
  });
  text.addEventListener("focus", () => {
    if (at < 0) look(0);
  });
  text.addEventListener("pointerover", (event) => {
    const piece = event.target.closest(".piece");
    if (piece) look(pieces.indexOf(piece));
  });
};

document.querySelectorAll(".why-answer").forEach(explained);
