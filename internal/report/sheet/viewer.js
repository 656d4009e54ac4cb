// The large view of one image with everything that is known of it.

const viewer = document.getElementById("viewer");
const stage = document.getElementById("stage");
const details = document.getElementById("details");
let viewed = -1; // which of tiles

function openViewer(at) {
  viewed = at;
  fillViewer();
  if (!viewer.open) viewer.showModal();
}

function fillViewer() {
  const tile = tiles[viewed];
  query.view = tile.image ? tile.image.name : tile.entry.job;
  writeAddress();
  stage.replaceChildren(tile.image ? fullImage(tile) : failure(tile.entry));
  details.replaceChildren(...describe(tile));
  details.scrollTop = 0;
  preload(viewed + 1);
}

function fullImage({ entry, image }) {
  const node = element("img", { alt: entry.prompt || entry.row, draggable: false });
  node.width = image.width;
  node.height = image.height;
  node.addEventListener("error", () => {
    node.replaceWith(element("span", { className: "missing" }, `${image.name} is not beside this page`));
  });
  // Small images are shown at up to twice their size, large ones as the window allows.
  node.style.setProperty("--width", `${2 * image.width}px`);
  node.style.setProperty("--shape", String(image.width / Math.max(1, image.height)));
  node.src = image.address;
  return node;
}

function preload(at) {
  const next = tiles[at]?.image;
  if (next) new Image().src = next.address;
}

// stepViewer goes on to the next page where this one ends.
async function stepViewer(step) {
  const at = viewed + step;
  if (tiles[at]) {
    openViewer(at);
    return;
  }
  const page = query.page + step;
  if (page < 1 || page > pageCount()) return;
  await goToPage(page);
  if (tiles.length > 0) openViewer(step > 0 ? 0 : tiles.length - 1);
}

function describe(tile) {
  const { entry, image } = tile;
  const close = element("button", { type: "button", className: "close" }, "Close");
  close.addEventListener("click", () => viewer.close());
  return [
    element("div", { className: "details-head" }, element("h2", {}, entry.row), close),
    image && markButtons(tile),
    entry.reason && element("div", { className: "why" },
      element("p", { className: "reason" }, entry.reason), entry.hint && element("p", { className: "hint" }, entry.hint)),
    image?.warning && element("p", { className: "why warning" }, image.warning),
    entry.prompt && promptBlock(entry.prompt),
    image && element("a", { className: "file", href: image.address, target: "_blank", rel: "noopener" }, image.name),
    table("", [
      ["Size", image && `${image.width} × ${image.height} ${image.format}, ${fileSize(image.bytes)}`],
      ["Planned as", !image && entry.outputs.join(", ")],
      ["Seed", entry.seed],
      ["Cost", cost(entry)],
      ["Took", entry.seconds > 0 && duration(entry.seconds)],
      ["Attempts", entry.attempts > 1 && String(entry.attempts)],
      ["Recorded", moment(entry.recorded)],
    ]),
    table("Variables", entry.variables),
    table("Parameters", [["model", entry.model], ...entry.parameters]),
    table("Origin", [["job", entry.job], ["inference", entry.inference]]),
  ].filter(Boolean);
}

function cost(entry) {
  const parts = [`${numbers.format(entry.billed)} CU`];
  if (entry.refunded > 0) parts.push(`${numbers.format(entry.refunded)} refunded`);
  if (entry.quoted !== entry.billed) parts.push(`${numbers.format(entry.quoted)} quoted`);
  return parts.join(", ");
}

function promptBlock(text) {
  const block = element("div", { className: "prompt-block" }, element("p", {}, text));
  if (!navigator.clipboard) return block;
  const copy = element("button", { type: "button" }, "Copy prompt");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text).then(() => "Copied", () => "Not allowed here").then((word) => { copy.textContent = word; });
  });
  block.append(copy);
  return block;
}

function table(title, rows) {
  const filled = rows.filter(([, value]) => value);
  if (filled.length === 0) return null;
  const list = element("dl", {}, ...filled.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
  return element("section", {}, title && element("h3", {}, title), list);
}

function markButtons(tile) {
  const box = element("div", { className: "marks", role: "group" });
  box.setAttribute("aria-label", "Your choice");
  for (const [mark, text, key] of [["picked", "Pick", "P"], ["rejected", "Reject", "X"]]) {
    const button = element("button", { type: "button" }, text, element("kbd", {}, key));
    button.setAttribute("aria-pressed", String(markOf(tile.entry, tile.image) === mark));
    button.dataset.mark = mark;
    button.addEventListener("click", () => markTile(tile, mark));
    box.append(button);
  }
  return box;
}

function markTile(tile, mark) {
  if (!tile?.image) return;
  setMark(tile.entry, tile.image, tile.n, mark);
  tile.node.dataset.mark = markOf(tile.entry, tile.image);
  for (const button of details.querySelectorAll(".marks button")) {
    button.setAttribute("aria-pressed", String(markOf(tile.entry, tile.image) === button.dataset.mark));
  }
  showOnly();
  showFigures();
}

viewer.addEventListener("close", () => {
  query.view = "";
  writeAddress();
  stage.replaceChildren();
  tiles[viewed]?.node.querySelector(".frame").focus();
});

viewer.addEventListener("click", (event) => {
  if (event.target === viewer || event.target === stage || event.target === stage.parentElement) viewer.close();
});

document.getElementById("previous").addEventListener("click", () => stepViewer(-1));
document.getElementById("next").addEventListener("click", () => stepViewer(1));
