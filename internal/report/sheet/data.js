// What the sheet knows: its head inside this page, the entries in data files of
// sheet.page entries, and columns, which say one thing of every entry. Files are
// loaded when needed. Entries are known by their place in the plan's order, counted
// from 0.

const sheet = JSON.parse(document.getElementById("sheet-data").textContent);
const files = new Map(); // file name -> {value, promise, resolve, reject}

// Called by the data files. A script element is the one way to load data that
// works from disk.
window.nightshiftShard = (stamp, number, entries) => arrived(stamp, shardName(number), entries);
window.nightshiftColumn = (stamp, name, values) => arrived(stamp, columnName(name), values);

function arrived(stamp, name, value) {
  const file = files.get(name);
  if (!file) return;
  if (stamp !== sheet.stamp) {
    notify("This sheet was written again since you opened it. Reload the page to see it as it is now.");
  }
  file.value = value;
  file.resolve(value);
}

function shardName(number) {
  return `_nightshift/sheet/data-${String(number).padStart(4, "0")}.js`;
}

function columnName(name) {
  return `_nightshift/sheet/column-${name}.js`;
}

function load(name) {
  const known = files.get(name);
  if (known) return known.promise;
  const file = {};
  file.promise = new Promise((resolve, reject) => Object.assign(file, { resolve, reject }));
  files.set(name, file);
  const script = document.createElement("script");
  const finish = () => {
    script.remove();
    if (file.value !== undefined) return;
    files.delete(name); // so that the next look tries again
    file.reject(new Error(`${name} cannot be read. It belongs beside index.html: copy the whole folder of the batch.`));
  };
  script.onload = finish;
  script.onerror = finish;
  script.src = `./${name}`;
  document.head.append(script);
  return file.promise;
}

function loadShard(number) {
  return load(shardName(number));
}

// column loads what a column says: a text with a letter, or a list with a number,
// for each entry.
function column(name) {
  return load(columnName(name));
}

function shardOf(place) {
  return Math.floor(place / sheet.page) + 1;
}

async function entryAt(place) {
  const entries = await loadShard(shardOf(place));
  const entry = entries[place % sheet.page];
  if (!entry) throw new Error(`${shardName(shardOf(place))} is shorter than it should be. Reload the page.`);
  return entry;
}

function stateOf(entry) {
  if (entry.state !== "succeeded") return entry.state === "cancelled" ? "c" : "f";
  return entry.images.some((image) => image.warning) ? "w" : "s";
}

function notify(text, tone = "bad") {
  const notice = document.getElementById("notice");
  notice.dataset.tone = tone;
  notice.textContent = text;
  notice.hidden = text === "";
}

// element makes an element with properties and children; texts become text nodes
// and nothing is ever read as markup.
function element(tag, properties, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child || child === 0));
  return made;
}

const numbers = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });
const rough = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

function duration(seconds) {
  if (seconds < 60) return `${rough.format(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest ? ` ${rest} min` : ""}`;
}

function fileSize(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${rough.format(bytes / 1e3)} kB`;
  return `${rough.format(bytes / 1e6)} MB`;
}

function plural(count, one, many) {
  return `${numbers.format(count)} ${count === 1 ? one : many}`;
}

function moment(text) {
  const date = new Date(text);
  if (!text || date.getFullYear() < 1971) return "";
  return date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
