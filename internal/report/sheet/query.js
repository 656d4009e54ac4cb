// Which entries are shown, and in what order. The query is kept in the address
// behind "#", so a view can be bookmarked and sent to others.

const query = { text: "", only: "all", sort: "plan", page: 1, view: "", facets: new Map() };
const facetPrefix = "is-";

function readAddress() {
  const fields = new URLSearchParams(location.hash.slice(1));
  query.text = fields.get("q") ?? "";
  query.only = fields.get("only") ?? "all";
  query.sort = fields.get("sort") ?? "plan";
  query.page = Math.max(1, Number.parseInt(fields.get("page") ?? "1", 10) || 1);
  query.view = fields.get("view") ?? "";
  query.facets.clear();
  for (const facet of sheet.facets) {
    const value = fields.get(facetPrefix + facet.name);
    if (value !== null && facet.values.includes(value)) query.facets.set(facet.name, value);
  }
}

function writeAddress() {
  const fields = new URLSearchParams();
  if (query.text) fields.set("q", query.text);
  if (query.only !== "all") fields.set("only", query.only);
  if (query.sort !== "plan") fields.set("sort", query.sort);
  for (const [name, value] of query.facets) fields.set(facetPrefix + name, value);
  if (query.page > 1) fields.set("page", String(query.page));
  if (query.view) fields.set("view", query.view);
  history.replaceState(null, "", `#${fields}`);
}

const onlyStates = { failed: "fc", warnings: "w", done: "sw" };

const sortColumns = { newest: "ended", cost: "costs", time: "seconds" };

// candidates are the entries that the columns let through, in order. Columns that
// nobody asks for are not loaded.
async function candidates() {
  const letters = onlyStates[query.only];
  const chosen = [...sheet.facets.entries()].filter(([, facet]) => query.facets.has(facet.name));
  const [states, order, ...wanted] = await Promise.all([
    letters && column("states"),
    sortColumns[query.sort] && column(sortColumns[query.sort]),
    ...chosen.map(async ([at, facet]) =>
      [await column(`facet-${at}`), (facet.values.indexOf(query.facets.get(facet.name)) + 1).toString(36)]),
  ]);
  const places = [];
  for (let place = 0; place < sheet.entries; place++) {
    if (letters && !letters.includes(states[place])) continue;
    if (wanted.every(([of, digit]) => of[place] === digit)) places.push(place);
  }
  if (order) places.sort((a, b) => order[b] - order[a] || a - b);
  return places;
}

const marked = { picked: "picked", rejected: "rejected", unmarked: "" };

// entryTest returns what an entry itself must fulfil, or null where the columns
// say everything.
function entryTest() {
  const words = query.text.toLowerCase().split(/\s+/).filter(Boolean);
  const mark = marked[query.only];
  if (words.length === 0 && mark === undefined) return null;
  return (entry) => words.every((word) => haystack(entry).includes(word)) &&
    (mark === undefined || entry.images.some((image) => markOf(entry, image) === mark));
}

const haystacks = new WeakMap();

function haystack(entry) {
  let text = haystacks.get(entry);
  if (text === undefined) {
    text = [
      entry.row, entry.prompt, entry.job, entry.model, entry.seed, entry.seed && `seed=${entry.seed}`,
      ...entry.variables.map(([name, value]) => `${name}=${value}`),
      ...entry.parameters.map(([name, value]) => `${name}=${value}`),
      ...entry.images.flatMap((image) => [image.name, image.warning]),
      ...entry.outputs, entry.kind, entry.reason, entry.hint, entry.inference,
    ].join("\n").toLowerCase();
    haystacks.set(entry, text);
  }
  return text;
}

const searchAhead = 6; // data files loading at a time

// search passes on those places whose entries fulfil test, in order. It tells
// found what there is so far after each data file and stops when it is told to.
async function search(places, test, found) {
  const hits = [];
  const groups = groupByShard(places);
  for (let at = 0; at < groups.length; at++) {
    for (const ahead of groups.slice(at, at + searchAhead)) loadShard(ahead.shard).catch(() => {});
    for (const place of groups[at].places) {
      if (test(await entryAt(place))) hits.push(place);
    }
    const last = at === groups.length - 1;
    if (!found(hits, last, groups[at].end / places.length)) return;
  }
  if (groups.length === 0) found(hits, true, 1);
}

// groupByShard cuts the list where the data file changes.
function groupByShard(places) {
  const groups = [];
  for (let at = 0; at < places.length; at++) {
    const shard = shardOf(places[at]);
    if (groups.length === 0 || groups.at(-1).shard !== shard) groups.push({ shard, places: [], end: 0 });
    groups.at(-1).places.push(places[at]);
    groups.at(-1).end = at + 1;
  }
  return groups;
}
