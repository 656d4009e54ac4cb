// The images of one page.

const grid = document.getElementById("grid");
const sharpFrom = 400; // CSS pixels of a tile from which thumbnails would look soft
let tiles = []; // {entry, place, image, node} of this page, in order

function showTiles(entries, places) {
  tiles = entries.flatMap((entry, i) => {
    const images = entry.images.length > 0 ? entry.images : [null];
    return images.map((image, n) => ({ entry, image, n, place: places[i] })).filter(hasMarkAsked);
  });
  grid.style.setProperty("--ratio", String(commonRatio()));
  for (const [at, tile] of tiles.entries()) tile.node = tileNode(tile, at);
  grid.replaceChildren(...tiles.map((tile) => tile.node));
}

// hasMarkAsked leaves out what a filter by marks does not ask for beside it: of a job's
// images only some may be picked.
function hasMarkAsked({ entry, image }) {
  const mark = marked[query.only];
  return mark === undefined || Boolean(image) && markOf(entry, image) === mark;
}

// commonRatio is the middle one of the images' shapes, so that a page of wide
// images has wide tiles.
function commonRatio() {
  const ratios = tiles.filter((tile) => tile.image?.height > 0)
    .map((tile) => tile.image.width / tile.image.height)
    .sort((a, b) => a - b);
  const middle = ratios[Math.floor(ratios.length / 2)] ?? 1;
  return Math.min(2.4, Math.max(0.56, middle));
}

function tileNode(tile, at) {
  const { entry, image } = tile;
  const frame = element("button", { type: "button", className: "frame" }, image ? picture(tile) : failure(entry));
  frame.setAttribute("aria-label", label(tile));
  frame.addEventListener("click", () => openViewer(at));
  const node = element("li", { className: "tile" }, frame, caption(tile));
  node.dataset.state = stateOf(entry);
  node.dataset.mark = image ? markOf(entry, image) : "";
  return node;
}

function label({ entry, image, n }) {
  const which = entry.images.length > 1 ? `, image ${n + 1} of ${entry.images.length}` : "";
  if (!image) return `${entry.row}: ${entry.state}. ${entry.reason}`;
  return `${entry.row}${which}: ${shorten(entry.prompt)}`;
}

function shorten(text) {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

// picture shows the thumbnail, the image itself where the thumbnail is missing or
// too small, and a note where that is missing too.
function picture({ entry, image }) {
  const node = element("img", { alt: shorten(entry.prompt) || entry.row, loading: "lazy", decoding: "async", draggable: false });
  node.width = image.width;
  node.height = image.height;
  node.dataset.full = image.address;
  node.dataset.thumb = image.thumb || image.address;
  node.addEventListener("error", () => {
    if (node.getAttribute("src") !== image.address) node.src = image.address;
    else node.replaceWith(element("span", { className: "missing" }, "The image is not beside this page"));
  });
  node.src = tileSize() > sharpFrom ? node.dataset.full : node.dataset.thumb;
  return node;
}

function failure(entry) {
  return element("span", { className: "failure" },
    element("span", { className: "kind" }, entry.state === "cancelled" ? "cancelled" : entry.kind || "failed"),
    element("span", { className: "reason" }, entry.reason || "No reason was given."),
    entry.hint && element("span", { className: "hint" }, entry.hint));
}

function caption({ entry, image, n }) {
  const count = entry.images.length > 1 ? `${n + 1}/${entry.images.length} · ` : "";
  const meta = tellingValues(entry);
  if (entry.seed) meta.push(`seed ${entry.seed}`);
  return element("div", { className: "caption" },
    element("p", { className: "row" }, element("span", { className: "name" }, entry.row),
      element("span", { className: "count" }, `${count}${numbers.format(entry.billed - entry.refunded)} CU`)),
    element("p", { className: "meta" }, meta.join(" · ")),
    element("p", { className: "prompt" }, entry.prompt),
    image?.warning && element("p", { className: "warning" }, image.warning));
}

// tellingValues are what tells the image from its neighbours: its style, and what
// does not stand in its prompt already; the shortest first, since the end of a long
// line is cut off.
function tellingValues(entry) {
  const prompt = entry.prompt.toLowerCase();
  return entry.variables
    .filter(([name, value]) => name !== "seed" && isFacet(name) && (name === "style" || !prompt.includes(value.toLowerCase())))
    .map(([, value]) => value)
    .sort((a, b) => a.length - b.length);
}

function isFacet(name) {
  return sheet.facets.some((facet) => facet.name === name);
}

const sizeInput = document.getElementById("size");

function tileSize() {
  return Number(sizeInput.value);
}

function resizeTiles() {
  const size = tileSize();
  grid.style.setProperty("--tile", `${size}px`);
  grid.dataset.density = size < 150 ? "dense" : size < 200 ? "close" : "roomy";
  for (const node of grid.querySelectorAll("img")) {
    const wanted = size > sharpFrom ? node.dataset.full : node.dataset.thumb;
    // Never back from the full image: it is there already, and sharper.
    if (size > sharpFrom && node.getAttribute("src") !== wanted) node.src = wanted;
  }
}
