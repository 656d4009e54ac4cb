package batch

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
)

// brief is what is left of a result for sums.
func brief(r job.Result) job.Result {
	r.Model, r.Prompt, r.Seed, r.APIKey, r.Inputs, r.Variables = "", "", "", "", nil, nil
	images := make([]job.Image, len(r.Images))
	for i := range images {
		images[i].Warning = r.Images[i].Warning
	}
	r.Images = images
	return r
}

// warnings are those of the images, "" for each without one.
func warnings(r job.Result) []string {
	texts := make([]string, len(r.Images))
	for i, image := range r.Images {
		texts[i] = image.Warning
	}
	return texts
}

// readBoth reads a text as whole and as brief results.
func readBoth(t *testing.T, text string) (whole, short []string) {
	t.Helper()
	show := func(r job.Result) string {
		return fmt.Sprintf("%q %d %q %s %q %q images, %q %d %s %s %s %q %q %q %s %s %s", r.Job, r.Index, r.Row, r.State, r.Outputs,
			warnings(r), r.Inference, r.Attempts, r.Quoted, r.Billed, r.Refunded, r.Kind, r.Reason, r.Hint, r.Submitted, r.Ended, r.Recorded)
	}
	for line, err := range wholeResults.Read(t.Context(), "whole", strings.NewReader(text), new(jsonl.Mark)) {
		if err != nil {
			t.Fatal(err)
		}
		whole = append(whole, show(brief(line.Value)))
	}
	for line, err := range briefResults.Read(t.Context(), "brief", strings.NewReader(text), new(jsonl.Mark)) {
		if err != nil {
			t.Fatal(err)
		}
		short = append(short, show(line.Value))
	}
	return whole, short
}

func encoded(t *testing.T, r job.Result) string {
	t.Helper()
	line, err := encodeLine(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(line)
}

func FuzzBriefResults(f *testing.F) {
	for _, text := range []string{"", "plain", `"\`, `\\`, `{"job":"x"}`, "\n\t<&>\u2028", "日本\xff", `],"state":"failed"`, `\"`} {
		f.Add(text, text+"x", int64(10_750), 3, 40)
	}
	f.Fuzz(func(t *testing.T, one, two string, amount int64, count, cut int) {
		at := time.Unix(0, amount).UTC()
		if amount < 0 || count < 0 || count > 100 {
			return
		}
		r := job.Result{
			Job: job.ID("j" + one), Index: count, Row: two, State: job.Succeeded, Model: one, Prompt: two,
			Inputs:    job.Inputs{one: []any{two, map[string]any{two: nil}, true}, "job": two},
			Variables: map[string]string{"job": one, two: one}, Seed: one, Outputs: []string{two, one},
			Images: make([]job.Image, count), Inference: one, Attempts: count,
			Quoted: job.CU(amount % 1e9), Billed: job.CU(amount % 1e6), Kind: two, Reason: one, Hint: two,
			Submitted: at, Ended: at.Add(time.Second), Recorded: at.Add(time.Minute),
		}
		line := encoded(t, r)
		whole, short := readBoth(t, line)
		if len(short) != 1 || !jsonl.Fields([]byte(strings.TrimSuffix(line, "\n")), func(_, _ []byte) bool { return true }) {
			t.Fatalf("%d results, or not scanned: %s", len(short), line)
		}
		if diff := cmp.Diff(whole, short); diff != "" {
			t.Errorf("brief differs (-whole +brief):\n%s", diff)
		}
		// A torn write with the line right behind it.
		if cut > 0 && cut < len(line)-1 {
			if whole, short := readBoth(t, line[:cut]+line); !cmp.Equal(whole, short) {
				t.Errorf("behind a torn write (-whole +brief):\n%s", cmp.Diff(whole, short))
			}
		}
	})
}

func TestScanRefusesWhatIsNoObject(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	for _, text := range []string{
		"", "{", "}", "[]", `"a"`, "{}", `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1}x`, `{"a":1`, `{"a":"b}`, `{a:1}`, `{"a":1 }`,
		`{"a":{"b":[1,2}}`, `{"a":[1,]}`, `{"a":[1 2]}`, `{"a":{"b"}}`, `{"a":"b\"}`, `{"a":1}{"b":2}`, `{1:2}`, `{"a":` + deep + `}`,
	} {
		if jsonl.Fields([]byte(text), func(_, _ []byte) bool { return true }) {
			t.Errorf("%q was scanned", text)
		}
	}
	for _, text := range []string{"", "[", "{}", "[1", "[1,]", "[1]x", "[1 2]"} {
		if jsonl.Items([]byte(text), func([]byte) bool { return true }) {
			t.Errorf("%q was scanned", text)
		}
	}
}

func TestSpacesAndOtherOrdersAreRead(t *testing.T) {
	t.Parallel()
	line := `{ "state": "failed", "recorded": "2026-03-04T22:00:00Z", "inputs": {}, "billed": "4.5", "outputs": null, "job": "a" }`
	whole, short := readBoth(t, line+"\n")
	if diff := cmp.Diff(whole, short); diff != "" || len(short) != 1 {
		t.Errorf("%d results (-whole +brief):\n%s", len(short), diff)
	}
	compact := strings.ReplaceAll(line, " ", "")
	whole, short = readBoth(t, compact+"\n")
	if diff := cmp.Diff(whole, short); diff != "" || len(short) != 1 {
		t.Errorf("%d results without spaces (-whole +brief):\n%s", len(short), diff)
	}
}
