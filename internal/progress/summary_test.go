package progress

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
)

// summaries are runs as they can end.
func summaries() map[string]Summary {
	complete := Summary{
		Batch: "potion-icons", Mode: job.Test, Outcome: Complete, Images: 96, Took: 192 * time.Second, Requests: 57,
		Folder: "/data/out/test/potion icons", Sheet: "/data/out/test/potion icons/index.html", Again: "enqueue run jobs/potions.yaml",
	}
	complete.Jobs.Total, complete.Jobs.Succeeded, complete.Jobs.Kept = 60, 48, 12
	complete.CU.Billed = 516 * job.OneCU

	failed := complete
	failed.Batch, failed.Images, failed.Errors = "potion-icons", 80, "s3://assets/test/potion-icons/errors.jsonl"
	failed.Folder, failed.Sheet = "s3://assets/test/potion-icons/", "https://assets.example/potion-icons/index.html?a=b"
	failed.Jobs.Succeeded, failed.Jobs.Failed = 40, 8
	failed.CU.Refunded, failed.CU.Cap = 43_000, new(1000*job.OneCU)
	failed.Failures = []job.FailureGroup{
		{Kind: "rejected", Reason: "the prompt was refused by moderation", Hint: "reword it; the price was refunded", Jobs: 3, Rows: []string{"health", "mana", "rage"}},
		{Kind: "invalid", Reason: "guidance must be at most 10", Jobs: 1, Rows: []string{"haste"}},
		{Kind: "transient", Reason: "the provider failed 5 times", Jobs: 1, Rows: []string{"a"}},
		{Kind: "transient", Jobs: 1, Rows: []string{"b"}},
		{Reason: "evil \x1b[2J\nreason", Hint: "\x1b]0;title\x07none", Jobs: 1, Rows: []string{"\u202ec\n"}},
		{Reason: "a sixth", Jobs: 1, Rows: []string{"d"}},
	}

	interrupted := complete
	interrupted.Outcome, interrupted.Images = Interrupted, 20
	interrupted.Jobs.Succeeded, interrupted.Jobs.NotRun = 10, 38
	interrupted.Remote.Inferences, interrupted.Remote.CU = 12, 129*job.OneCU

	stopped := interrupted
	stopped.Outcome, stopped.Reason = Blocked, "the batch's budget of 500 CU is used up"
	stopped.Remote.Inferences, stopped.Remote.CU = 1, 10*job.OneCU

	kept := Summary{Batch: "potion-icons", Mode: job.Test, Outcome: Complete, Took: time.Second, Requests: 2, Folder: "/data/out"}
	kept.Jobs.Total, kept.Jobs.Kept = 60, 60

	return map[string]Summary{
		"complete": complete, "failed": failed, "interrupted": interrupted, "stopped": stopped, "kept": kept,
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	for name, summary := range summaries() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var pages strings.Builder
			for _, style := range []Style{{}, {Terminal: true, Width: 80, Color: true}, {Terminal: true, Width: 40}} {
				fmt.Fprintf(&pages, "== terminal %v, width %d\n", style.Terminal, style.Width)
				var page bytes.Buffer
				if err := summary.Write(&page, style); err != nil {
					t.Fatal(err)
				}
				pages.WriteString(strings.ReplaceAll(page.String(), "\x1b", "^["))
			}
			golden(t, "summary-"+name+".txt", pages.String())
		})
	}
}

func TestSummaryAsJSON(t *testing.T) {
	t.Parallel()
	for name, summary := range summaries() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var line bytes.Buffer
			synctest.Test(t, func(t *testing.T) {
				if err := summary.Write(&line, Style{JSON: true, Terminal: true}); err != nil {
					t.Fatal(err)
				}
			})
			if !json.Valid(line.Bytes()) || bytes.Count(line.Bytes(), []byte("\n")) != 1 {
				t.Errorf("not one line of JSON: %s", line.Bytes())
			}
			golden(t, "summary-"+name+".json", line.String())
		})
	}
}

func TestSheetLink(t *testing.T) {
	t.Parallel()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for sheet, want := range map[string]string{
		"":                        "",
		"/data/a b/#1/index.html": "file:///data/a%20b/%231/index.html",
		"out/index.html":          "file://" + here + "/out/index.html",
		"s3://assets/index.html":  "",
	} {
		s := Summary{Sheet: sheet}
		if got := s.sheetLink(); got != want {
			t.Errorf("%q: %q, want %q", sheet, got, want)
		}
	}
}

func TestSummaryReturnsTheWritersError(t *testing.T) {
	t.Parallel()
	for _, style := range []Style{{}, {JSON: true}} {
		if err := (Summary{}).Write(refusing{}, style); !errors.Is(err, errRefused) {
			t.Errorf("%+v: %v", style, err)
		}
	}
}
