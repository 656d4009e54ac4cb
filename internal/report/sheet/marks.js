// Picks and rejects: what a person thinks of an image. What was noted with enqueue pick is
// shown; what is marked here stays in this browser, for this batch, and leaves it as a file
// that enqueue pick takes. The file holds what was marked here alone, so that nothing of
// what others mark at the same time is taken back.

const marksKey = `nightshift:${sheet.bucket}:${sheet.id}`;
const noted = new Map(sheet.marks.map(({ image, job, mark }) => [image, { job, mark: { pick: "picked", reject: "rejected" }[mark] }]));
const marks = readMarks(); // image name -> {mark, job, row, n}; "" takes a noted mark back

function readMarks() {
  try {
    const kept = Object.entries(JSON.parse(localStorage.getItem(marksKey) ?? "{}"));
    return new Map(kept.filter(([name, each]) => each.mark !== notedMark(name, each.job)));
  } catch {
    return new Map(); // storage is off or holds something else: start without
  }
}

// notedMark is the mark that an image has in the batch. Another job's image of the same
// name is another image.
function notedMark(name, job) {
  const mark = noted.get(name);
  return mark?.job === job ? mark.mark : "";
}

function markOf(entry, image) {
  const mine = marks.get(image.name);
  return mine?.job === entry.job ? mine.mark : notedMark(image.name, entry.job);
}

// setMark marks the image, or takes the mark away where it has that one already.
function setMark(entry, image, n, mark) {
  const wanted = markOf(entry, image) === mark ? "" : mark;
  if (wanted === notedMark(image.name, entry.job)) marks.delete(image.name);
  else marks.set(image.name, { mark: wanted, job: entry.job, row: entry.row, n: n + 1 });
  try {
    localStorage.setItem(marksKey, JSON.stringify(Object.fromEntries(marks)));
  } catch {
    notify("This browser does not keep picks for pages from disk. Save them as a file before you close the page.");
  }
}

// countMarks counts the images that have a mark, wherever it was set.
function countMarks(mark) {
  let count = 0;
  for (const [name, each] of noted) if (each.mark === mark && marks.get(name)?.job !== each.job) count++;
  for (const each of marks.values()) if (each.mark === mark) count++;
  return count;
}

function saveMarks() {
  const list = (mark) => [...marks]
    .filter(([, each]) => each.mark === mark)
    .map(([image, each]) => ({ image, job: each.job, row: each.row, n: each.n }));
  const { batch, mode } = sheet.report;
  const text = JSON.stringify({
    batch, mode, bucket: sheet.bucket, picked: list("picked"), rejected: list("rejected"), cleared: list(""),
  }, null, 2);
  const file = `${batch.replace(/[^\w.-]+/g, "-")}-picks.json`;
  const address = URL.createObjectURL(new Blob([text, "\n"], { type: "application/json" }));
  const link = element("a", { href: address, download: file });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  notify(`To note them in the batch, run where it is: enqueue pick ${sheet.id} --file ${file}`);
}
