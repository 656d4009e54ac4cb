// Picks and rejects: what a person thinks of an image. They stay in this browser,
// for this batch, and leave it as a file.

const marksKey = `nightshift:${sheet.report.mode}:${sheet.report.batch}`;
const marks = readMarks(); // image name -> {mark, job, row}

function readMarks() {
  try {
    return new Map(Object.entries(JSON.parse(localStorage.getItem(marksKey) ?? "{}")));
  } catch {
    return new Map(); // storage is off or holds something else: start without
  }
}

function markOf(image) {
  return marks.get(image.name)?.mark ?? "";
}

// setMark marks the image, or takes the mark away where it has that one already.
function setMark(entry, image, mark) {
  if (markOf(image) === mark) marks.delete(image.name);
  else marks.set(image.name, { mark, job: entry.job, row: entry.row });
  try {
    localStorage.setItem(marksKey, JSON.stringify(Object.fromEntries(marks)));
  } catch {
    notify("This browser does not keep picks for pages from disk. Save them as a file before you close the page.");
  }
}

function countMarks(mark) {
  let count = 0;
  for (const each of marks.values()) if (each.mark === mark) count++;
  return count;
}

function saveMarks() {
  const list = (mark) => [...marks]
    .filter(([, each]) => each.mark === mark)
    .map(([image, each]) => ({ image, job: each.job, row: each.row }));
  const text = JSON.stringify({ batch: sheet.report.batch, picked: list("picked"), rejected: list("rejected") }, null, 2);
  const address = URL.createObjectURL(new Blob([text, "\n"], { type: "application/json" }));
  const link = element("a", { href: address, download: `${sheet.report.batch.replace(/[^\w.-]+/g, "-")}-picks.json` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
