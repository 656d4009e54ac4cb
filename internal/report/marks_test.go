package report_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/batch"
	"nightshift/internal/batch/batchtest"
	"nightshift/internal/job"
	"nightshift/internal/report"
)

// savedMark is an entry of the file that a sheet saves.
type savedMark struct {
	Image, Job, Row string
	N               int
}

// TestSheetSavesWhatWasMarked marks images by hand, on a sheet that shows marks of before,
// and saves them.
func TestSheetSavesWhatWasMarked(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	bucket.Write(t, "_nightshift/id", "thisbucket")
	sampleBatch(t, bucket, "night", 40, 6)
	log := batch.NewLog(bucket, "night")
	made := make(map[string]job.Result)
	for result, err := range log.Succeeded(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		made[result.Row] = result
	}
	noted := func(row string, mark job.Mark) batch.Pick {
		return batch.Pick{At: batchtest.Start, Row: row, Job: made[row].Job, Image: made[row].Images[0].Key, N: 1, Mark: mark}
	}
	const first, second, third, fourth = "health-potion-000", "mana-potion-001", "iron-helmet-002", "dragon-scale-003"
	lines := []batch.Pick{noted(first, job.Picked), noted(second, job.Rejected), noted(third, job.Picked)}
	if err := batch.AppendPicks(t.Context(), bucket, "night", lines); err != nil {
		t.Fatal(err)
	}
	sums := report.Report{Batch: "night", Mode: job.Test, Counts: report.Counts{Jobs: 40}, Spend: report.Spend{Spent: 9000}}
	if err := report.Publish(t.Context(), bucket, "night", log, &sums); err != nil {
		t.Fatal(err)
	}
	page := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllString(bucket.Text(t, "night/index.html"), "")
	bucket.Write(t, "night/driven.html", strings.Replace(page, "</body>", `<script>
const until = async (holds) => { while (!holds()) await new Promise((again) => setTimeout(again, 20)); };
const press = (row, key) => {
  [...document.querySelectorAll(".frame")].find((frame) => frame.getAttribute("aria-label").startsWith(row)).focus();
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
};
const button = (name) => [...document.querySelectorAll("#only button")].find((each) => each.textContent.startsWith(name));
(async () => {
  await until(() => document.querySelectorAll(".tile").length > 30);
  const seen = { before: [button("Picked")?.textContent, button("Rejected")?.textContent, button("Save picks") === undefined] };
  press("`+first+`", "p"); // takes the noted mark back
  press("`+second+`", "p"); // another mark than the noted one
  press("`+third+`", "x"); press("`+third+`", "p"); // as it was
  press("`+fourth+`", "x");
  seen.after = [button("Picked")?.textContent, button("Rejected")?.textContent, button("Save picks")?.textContent];
  let saved;
  URL.createObjectURL = (blob) => { saved = blob; return "blob:none"; };
  button("Save picks").click();
  seen.file = JSON.parse(await saved.text());
  seen.notice = document.getElementById("notice").textContent;
  const turnTo = async (name) => { button(name).click(); await until(() => button(name).getAttribute("aria-pressed") === "true" && document.querySelectorAll(".tile").length < 35); };
  await turnTo("Rejected");
  seen.rejected = [...document.querySelectorAll(".tile .name")].map((name) => name.textContent);
  await turnTo("Unmarked");
  await until(() => document.querySelectorAll(".tile").length > 10);
  seen.unmarked = [...document.querySelectorAll(".tile .name")].some((name) => name.textContent === "`+first+`");
  document.title = JSON.stringify(seen);
})();
</script></body>`, 1))
	_, title, _ := strings.Cut(openPage(t, bucket, "driven.html"), "<title>")
	title, _, _ = strings.Cut(title, "</title>")
	type seen struct {
		Before, After, Rejected []any
		File                    struct {
			Batch, Mode, Bucket       string
			Picked, Rejected, Cleared []savedMark
		}
		Notice   string
		Unmarked bool
	}
	var got, want seen
	if err := json.Unmarshal([]byte(title), &got); err != nil {
		t.Fatalf("the title is %q: %v", title, err)
	}
	saved := func(row string) []savedMark {
		return []savedMark{{made[row].Images[0].Key, string(made[row].Job), row, 1}}
	}
	want.Before, want.After = []any{"Picked2", "Rejected1", true}, []any{"Picked2", "Rejected1", "Save picks3"}
	want.File.Batch, want.File.Mode, want.File.Bucket = "night", "test", "thisbucket"
	want.File.Picked, want.File.Rejected, want.File.Cleared = saved(second), saved(fourth), saved(first)
	want.Notice = "To note them in the batch, run where it is: enqueue pick night --file night-picks.json"
	want.Rejected, want.Unmarked = []any{fourth}, true
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
