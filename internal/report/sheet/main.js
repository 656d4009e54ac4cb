// Puts the parts together: the head, the controls, and what happens on input.

const searchInput = document.getElementById("search");
const sortSelect = document.getElementById("sort");
const onlyBox = document.getElementById("only");
const facetBox = document.getElementById("facets");
const pagesBox = document.getElementById("pages");
const status = document.getElementById("status");

let shown = []; // places that fulfil the query, in order
let settled = false; // false while a search still adds to shown
let turn = 0; // grows with each query; the search of an older one gives up
let drawing = 0; // grows with each page drawn; an older one that still loads gives up

function pageCount() {
  return Math.max(1, Math.ceil(shown.length / sheet.page));
}

// refresh answers the query anew. Hits of a text search appear as they are found.
async function refresh() {
  const mine = ++turn;
  writeAddress();
  showOnly();
  showFacets();
  const test = entryTest();
  try {
    const places = await candidates();
    if (mine !== turn) return;
    settled = !test;
    if (!test) {
      shown = places;
      showStatus(1);
      await showPage();
      return;
    }
    shown = [];
    let drawn = -1; // how many of the hits were on the page, or before it, when it was last drawn
    await search(places, test, (hits, last, part) => {
      if (mine !== turn) return false;
      shown = hits;
      settled = last;
      showStatus(last ? 1 : part);
      const upToPage = Math.min(shown.length, query.page * sheet.page);
      if (!last && upToPage > drawn) {
        drawn = upToPage;
        showPage();
      }
      return true;
    });
    if (mine === turn) await showPage();
  } catch (error) {
    notify(error.message);
  }
}

async function showPage() {
  const mine = ++drawing;
  if (settled) query.page = Math.min(query.page, pageCount());
  const places = shown.slice((query.page - 1) * sheet.page, query.page * sheet.page);
  try {
    const entries = await Promise.all(places.map(entryAt));
    if (mine !== drawing) return;
    showTiles(entries, places);
    showPages();
  } catch (error) {
    notify(error.message);
  }
}

async function goToPage(page) {
  query.page = page;
  writeAddress();
  await showPage();
  window.scrollTo({ top: 0 });
}

function showStatus(part) {
  const text = shown.length === sheet.entries ? "" : `${numbers.format(shown.length)} of ${plural(sheet.entries, "job", "jobs")}`;
  status.textContent = part < 1 ? `Searching, ${Math.floor(part * 100)} %. ${text}` : text;
  if (sheet.entries === 0) status.textContent = "No job has ended yet.";
  else if (part === 1 && shown.length === 0) status.textContent = "Nothing matches. Clear the search or a filter.";
}

function showPages() {
  const count = pageCount();
  pagesBox.hidden = count === 1;
  if (count === 1) return;
  const go = (text, page, name) => {
    const button = element("button", { type: "button", disabled: page < 1 || page > count }, text);
    if (name) button.setAttribute("aria-label", name);
    if (page === query.page) button.setAttribute("aria-current", "page");
    button.addEventListener("click", () => goToPage(page));
    return button;
  };
  const near = new Set([1, 2, count - 1, count]);
  for (let page = query.page - 2; page <= query.page + 2; page++) near.add(page);
  const numbered = [...near].filter((page) => page >= 1 && page <= count).sort((a, b) => a - b);
  const list = numbered.flatMap((page, i) =>
    i > 0 && page - numbered[i - 1] > 1 ? [element("span", {}, "…"), go(String(page), page, "")] : [go(String(page), page, "")]);
  pagesBox.replaceChildren(go("‹", query.page - 1, "previous page"), ...list, go("›", query.page + 1, "next page"));
}

function toggle(text, pressed, count, act) {
  const button = element("button", { type: "button" }, text, count > 0 && element("span", { className: "number" }, numbers.format(count)));
  button.setAttribute("aria-pressed", String(pressed));
  button.addEventListener("click", () => {
    query.page = 1;
    act();
    refresh();
  });
  return button;
}

function showOnly() {
  const count = { failed: sheet.failed, warnings: sheet.warnings, picked: countMarks("picked"), rejected: countMarks("rejected"), unmarked: 0 };
  if (count.picked + count.rejected > 0) count.unmarked = sheet.images - count.picked - count.rejected;
  const names = { failed: "Failed", warnings: "Warnings", picked: "Picked", rejected: "Rejected", unmarked: "Unmarked" };
  const buttons = [toggle("All", query.only === "all", 0, () => { query.only = "all"; })];
  for (const [only, name] of Object.entries(names)) {
    if (count[only] === 0 && query.only !== only) continue;
    buttons.push(toggle(name, query.only === only, count[only], () => { query.only = query.only === only ? "all" : only; }));
  }
  if (marks.size > 0) {
    const save = element("button", { type: "button", className: "save" }, "Save picks", element("span", { className: "number" }, numbers.format(marks.size)));
    save.addEventListener("click", saveMarks);
    buttons.push(save);
  }
  onlyBox.replaceChildren(...buttons);
}

function showFacets() {
  facetBox.replaceChildren(...sheet.facets.map((facet) => {
    const chips = facet.values.map((value) => toggle(value, query.facets.get(facet.name) === value, 0, () => {
      if (query.facets.get(facet.name) === value) query.facets.delete(facet.name);
      else query.facets.set(facet.name, value);
    }));
    const group = element("div", { className: "facet", role: "group" }, element("span", { className: "facet-name" }, facet.name), ...chips);
    group.setAttribute("aria-label", facet.name);
    return group;
  }));
  facetBox.hidden = sheet.facets.length === 0;
}

function showHead() {
  const { report } = sheet;
  document.getElementById("eyebrow").textContent = report.mode === "test" ? "Test batch" : "Contact sheet";
  document.getElementById("outcome").textContent = [
    document.getElementById("outcome").dataset.words + (report.reason ? `: ${report.reason}` : ""), moment(report.ended ?? report.started),
  ].filter(Boolean).join(" · ");
  showFigures();
}

function showFigures() {
  const { report, failed } = sheet;
  const seconds = report.whole?.seconds ?? report.durations.run;
  const notes = [report.counts.notRun > 0 && `${numbers.format(report.counts.notRun)} not run`, report.counts.failedBefore > 0 && `${numbers.format(report.counts.failedBefore)} not tried again`];
  const picked = countMarks("picked");
  const figures = [
    ["Images", numbers.format(sheet.images), `${plural(sheet.entries - failed, "job", "jobs")} done`],
    ["Failed", numbers.format(failed), notes.filter(Boolean).join(", "), failed > 0 ? "bad" : ""],
    ["CU", numbers.format(report.cu.net), report.cu.refunded > 0 ? `${numbers.format(report.cu.billed)} billed, ${numbers.format(report.cu.refunded)} refunded` : `${numbers.format(report.cu.quoted)} quoted`],
    ["CU per pick", picked > 0 ? numbers.format(report.cu.net / picked) : "–", picked > 0 ? `${plural(picked, "image", "images")} picked` : ""],
    ["Time", seconds > 0 ? duration(seconds) : "–", report.durations.inference.median > 0 ? `median ${duration(report.durations.inference.median)} a job` : ""],
  ];
  document.getElementById("figures").replaceChildren(...figures.map(([name, value, note, tone]) =>
    element("div", { className: tone ?? "" }, element("dt", {}, name), element("dd", {}, value, note && element("small", {}, note)))));
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (typing) return;
  const marking = { p: "picked", x: "rejected" }[event.key.toLowerCase()];
  if (viewer.open) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) stepViewer(step);
    else if (marking) markTile(tiles[viewed], marking);
    if (step) event.preventDefault();
    return;
  }
  const focused = tiles.findIndex((tile) => tile.node.contains(document.activeElement));
  if (event.key === "/") {
    event.preventDefault();
    searchInput.focus();
  } else if (marking && focused >= 0) {
    markTile(tiles[focused], marking);
  } else if (focused >= 0 && moveFocus(event.key, focused)) {
    event.preventDefault();
  }
}

// moveFocus moves between images with the arrow keys, as they lie on the screen.
function moveFocus(key, from) {
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[key];
  const target = step && tiles[from + step];
  target?.node.querySelector(".frame").focus();
  return Boolean(target);
}

let sizeChosen = false;

// fitTiles chooses the size of images until a person does: two beside each other
// on phones, more and larger ones on large screens.
function fitTiles() {
  if (sizeChosen) return;
  sizeInput.value = String(window.innerWidth < 600 ? 150 : Math.min(400, Math.max(208, window.innerWidth / 6.5)));
  resizeTiles();
}

function listen() {
  let typing;
  searchInput.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      query.text = searchInput.value.trim();
      query.page = 1;
      refresh();
    }, 120);
  });
  sortSelect.addEventListener("change", () => {
    query.sort = sortSelect.value;
    query.page = 1;
    refresh();
  });
  sizeInput.addEventListener("input", () => {
    sizeChosen = true;
    resizeTiles();
  });
  window.addEventListener("resize", fitTiles);
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", start);
}

async function start() {
  readAddress();
  searchInput.value = query.text;
  sortSelect.value = query.sort;
  const view = query.view;
  await refresh();
  const at = tiles.findIndex((tile) => view && (tile.image?.name === view || tile.entry.job === view));
  if (at >= 0) openViewer(at);
}

showHead();
fitTiles();
listen();
start();
