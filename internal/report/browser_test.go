package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"nightshift/internal/batch/batchtest"
	"nightshift/internal/job"
	"nightshift/internal/report"
)

// openPage opens a sheet from disk in a real browser and returns the page as it
// is after its scripts ran. NIGHTSHIFT_TEST_CHROMIUM says that a CI machine is
// meant to have the browser.
func openPage(t *testing.T, bucket *batchtest.Folder, page string) string {
	t.Helper()
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			browser = found
			break
		}
	}
	if browser == "" {
		if os.Getenv("CI") == "true" && os.Getenv("NIGHTSHIFT_TEST_CHROMIUM") != "" {
			t.Fatal("NIGHTSHIFT_TEST_CHROMIUM is set and no chromium is installed")
		}
		t.Skip("no chromium installed: the contact sheet is not looked at in a real browser")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir="+t.TempDir(), "--virtual-time-budget=8000", "--dump-dom",
		"file://"+bucket.Path("night/"+page))
	shown, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(shown)
}

func TestSheetInABrowser(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	sampleBatch(t, bucket, "night", 700, 6)
	cases := map[string]struct {
		query string
		tiles int
		want  []string
		not   []string
	}{
		"first page":           {"", 265, []string{"health-potion-000", `aria-current="page">1<`, "old-map-237"}, []string{"mana-potion-260", "dialog open"}},
		"third page":           {"#page=3", 0, []string{`aria-current="page">3<`, "old-map-699"}, []string{"health-potion-000"}},
		"failed":               {"#only=failed", 64, []string{"content moderation", "64 of 700 jobs"}, []string{"<img"}},
		"search":               {"#q=" + "ink+LANTERN+seed%3D", 0, []string{"of 700 jobs", "amber-lantern-01"}, []string{"old-map"}},
		"chip":                 {"#is-style=pixel&only=warnings", 0, []string{"the manifest asked for .jpg"}, []string{"painterly/"}},
		"by cost":              {"#sort=cost&page=1", 0, []string{"6 CU"}, []string{">5 CU"}},
		"search, second page":  {"#q=seed%3D&page=2", 0, []string{`aria-current="page">2<`, "-300"}, []string{"health-potion-000"}},
		"page beyond the last": {"#page=99", 0, []string{`aria-current="page">3<`, "old-map-699"}, nil},
		"nothing":              {"#q=unicorn", 0, []string{"Nothing matches"}, []string{"<img", "<li"}},
		"large view":           {"#view=art%2F003.png", 0, []string{"<dialog", `open=""`, "numInferenceSteps", "Copy prompt"}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			page := openPage(t, bucket, "index.html"+c.query)
			_, page, _ = strings.Cut(page, `</head>`)
			page, _, _ = strings.Cut(page, `<script`)
			if got := strings.Count(page, `<li class="tile"`); c.tiles > 0 && got != c.tiles {
				t.Errorf("%d images, want %d", got, c.tiles)
			}
			for _, text := range c.want {
				if !strings.Contains(page, text) {
					t.Errorf("the page lacks %q", text)
				}
			}
			for _, text := range c.not {
				if strings.Contains(page, text) {
					t.Errorf("the page has %q", text)
				}
			}
		})
	}
}

// TestSheetLoadsColumnsWhenNeeded looks at a sheet whose columns are not there.
func TestSheetLoadsColumnsWhenNeeded(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	sampleBatch(t, bucket, "night", 300, 6)
	for _, name := range []string{"states", "costs", "seconds", "ended", "facet-0"} {
		if err := os.Remove(bucket.Path("night/_nightshift/sheet/column-" + name + ".js")); err != nil {
			t.Fatal(err)
		}
	}
	const complaint = "cannot be read. It belongs beside index.html"
	for query, column := range map[string]string{
		"": "", "#page=2": "", "#q=lantern": "", "#view=art%2F003.png": "",
		"#only=failed": "states", "#sort=cost": "costs", "#sort=time": "seconds", "#sort=newest": "ended", "#is-style=pixel": "facet-0",
	} {
		t.Run(query, func(t *testing.T) {
			page := openPage(t, bucket, "index.html"+query)
			_, page, _ = strings.Cut(page, `</head>`)
			page, _, _ = strings.Cut(page, `<script`)
			if column == "" && (strings.Contains(page, complaint) || !strings.Contains(page, "<img")) {
				t.Error("the page does without columns, and shows no images or misses one")
			}
			if column != "" && !strings.Contains(page, "column-"+column+".js "+complaint) {
				t.Errorf("the page does not say that column %s is missing", column)
			}
		})
	}
}

func TestHostileTextsInABrowser(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	writeHostileSheet(t, bucket)
	page := openPage(t, bucket, "index.html")
	if !strings.Contains(page, "&lt;img src=x onerror=") {
		t.Error("the texts are not on the page, so nothing was tried")
	}
	_, title, _ := strings.Cut(page, "<title>")
	if strings.HasPrefix(title, "hacked") || !strings.Contains(title, "contact sheet</title>") {
		t.Errorf("a text ran as a script: the title is %.60s", title)
	}
}

// TestSheetUnderHand uses the sheet like a person does. The script stands in a
// copy of the page without its policy, which refuses scripts of others.
func TestSheetUnderHand(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	sampleBatch(t, bucket, "night", 300, 6)
	page := bucket.Text(t, "night/index.html")
	page = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllString(page, "")
	bucket.Write(t, "night/driven.html", strings.Replace(page, "</body>", `<script>
const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const until = async (holds) => { while (!holds()) await new Promise((again) => setTimeout(again, 20)); };
const seen = [];
const note = (text) => seen.push(text);
const heading = () => document.querySelector("#details h2")?.textContent;
(async () => {
  await until(() => document.querySelectorAll(".tile").length > 200);
  document.querySelector(".frame").click();
  note("clicked " + heading());
  press("ArrowRight"); press("ArrowRight");
  note("right " + heading());
  press("ArrowLeft");
  note("left " + heading());
  press("p");
  note("picked " + document.querySelectorAll('.tile[data-mark="picked"]').length);
  document.getElementById("viewer").close();
  await until(() => !document.getElementById("viewer").open && document.activeElement.className === "frame");
  note("back on " + document.activeElement.getAttribute("aria-label").split(":")[0]);
  press("ArrowRight");
  note("moved to " + document.activeElement.getAttribute("aria-label").split(":")[0]);
  const frames = document.querySelectorAll(".frame");
  frames[frames.length - 1].click();
  press("ArrowRight");
  await until(() => heading()?.endsWith("-240"));
  note("next page " + heading());
  document.title = seen.join("; ");
})();
</script></body>`, 1))
	_, title, _ := strings.Cut(openPage(t, bucket, "driven.html"), "<title>")
	title, _, _ = strings.Cut(title, "</title>")
	want := "clicked health-potion-000; right iron-helmet-002; left mana-potion-001; picked 1; " +
		"back on mana-potion-001; moved to iron-helmet-002; next page iron-helmet-240"
	if title != want {
		t.Errorf("got  %s\nwant %s", title, want)
	}
}

// TestSheetCutsNoLetters draws tiles of all sizes: a failure's text ends with a whole line
// within its tile, and no chip reaches beyond its row.
func TestSheetCutsNoLetters(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	sampleBatch(t, bucket, "night", 300, 6)
	page := bucket.Text(t, "night/index.html")
	page = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllString(page, "")
	bucket.Write(t, "night/driven.html", strings.Replace(page, "</body>", `<script>
(async () => {
  while (document.querySelectorAll(".failure").length === 0) await new Promise((again) => setTimeout(again, 20));
  const cut = [];
  for (const words of document.querySelectorAll(".failure :is(.reason, .hint)")) words.textContent = "a long reason of many words ".repeat(20);
  const size = document.getElementById("size");
  for (let pixels = 96; pixels <= 560; pixels += 8) {
    size.value = String(pixels);
    size.dispatchEvent(new Event("input"));
    const frame = document.querySelector(".failure").closest(".frame").getBoundingClientRect();
    for (const words of document.querySelectorAll(".failure > *")) {
      const box = words.getBoundingClientRect();
      const lines = box.height / parseFloat(getComputedStyle(words).lineHeight);
      if (box.bottom > words.closest(".frame").getBoundingClientRect().bottom + 0.5 || Math.abs(lines - Math.round(lines)) > 0.05) {
        cut.push(words.className + " at " + Math.round(frame.height));
        break;
      }
    }
  }
  const bar = document.getElementById("facets").getBoundingClientRect();
  for (const chip of document.querySelectorAll(".facet button")) {
    const box = chip.getBoundingClientRect();
    if (box.top < bar.top + 1 || box.right > bar.right) cut.push("chip " + chip.textContent);
  }
  document.title = "cut: " + cut.join("; ");
})();
</script></body>`, 1))
	_, title, _ := strings.Cut(openPage(t, bucket, "driven.html"), "<title>")
	title, _, _ = strings.Cut(title, "</title>")
	if title != "cut:" && title != "cut: " {
		t.Error(title)
	}
}

// TestChainInABrowser opens the image of a step: it says from which row it is made, and the
// head what waits for a pick.
func TestChainInABrowser(t *testing.T) {
	t.Parallel()
	bucket := batchtest.NewFolder(t)
	draft, step := batchtest.Result(1), batchtest.Result(2)
	draft.Row, draft.Job = "sword", "vuoooc5nqnnszdjs"
	draft.Inputs = job.Inputs{"referenceImages": []any{"sha256:" + strings.Repeat("0123456789abcdef", 4)}}
	draft.Images = []job.Image{putPNG(t, bucket, "night", "sword.png", painting(1, 64, 64, false))}
	step.Row, step.Job, step.Prompt = "sword/cutout", "ileellrmpfl3a32y", ""
	step.Inputs = job.Inputs{"image": "job:vuoooc5nqnnszdjs#0"}
	step.Images = []job.Image{putPNG(t, bucket, "night", "sword-cut.png", painting(2, 64, 64, true))}
	var lines bytes.Buffer
	for _, result := range []job.Result{draft, step} {
		if err := json.NewEncoder(&lines).Encode(result); err != nil {
			t.Fatal(err)
		}
	}
	bucket.Write(t, "night/results.jsonl", lines.String())
	sums := report.Report{Batch: "night", State: report.Complete, Counts: report.Counts{Jobs: 3, Succeeded: 2, Waiting: 1}}
	if err := report.WriteSheet(t.Context(), bucket, "night", report.SheetOptions{Report: sums}); err != nil {
		t.Fatal(err)
	}
	for view, want := range map[string]string{"sword-cut.png": "<dt>image</dt><dd>sword</dd>", "sword.png": `<dd>["file 0123456789ab…"]</dd>`} {
		page := openPage(t, bucket, "index.html#view="+view)
		if !strings.Contains(page, want) || !strings.Contains(page, "1 waits for a pick") {
			_, page, _ = strings.Cut(page, `</head>`)
			t.Errorf("the page of %s lacks %q, or what waits for a pick:\n%s", view, want, page)
		}
	}
}
