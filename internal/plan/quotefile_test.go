package plan_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/plan"
)

func written(t *testing.T, quotes *plan.QuoteFile) string {
	t.Helper()
	var text strings.Builder
	n, err := quotes.WriteTo(&text)
	if err != nil || n != int64(text.Len()) {
		t.Fatalf("%d bytes and the error %v, want %d", n, err, text.Len())
	}
	return text.String()
}

func read(t *testing.T, text string) *plan.QuoteFile {
	t.Helper()
	quotes, err := plan.ReadQuotes(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return quotes
}

func TestQuoteFile(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Round(0)
	young, old := now.Add(-59*time.Minute), now.Add(-61*time.Minute)
	quote := job.Quote{Total: 10_750, Parts: map[string]job.CU{"custom-generation": 9000, "quality-gate": 1750}}
	quotes := &plan.QuoteFile{}
	quotes.Keep("model_a:1f", quote, young)
	quotes.Keep("model_a:1f", job.Quote{Total: 1}, old) // later, but the answer is older
	quotes.Keep("vendor:model_b:2f", job.Quote{}, now)
	quotes.Keep("model_a:3f", quote, old)

	text := written(t, quotes)
	for _, want := range []string{`"key": "1f"`, `"model": "model_a"`, `"total": 10.75`, `"quality-gate": 1.75`, `"model": "vendor:model_b"`, `"total": 0`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the file:\n%s", want, text)
		}
	}
	again := read(t, text)
	if got, asked, ok := again.Find("model_a:1f"); !ok || !asked.Equal(young) || !cmp.Equal(got, quote) {
		t.Errorf("found %+v of %s, %t; want %+v of %s", got, asked, ok, quote, young)
	}
	if got, _, ok := again.Find("vendor:model_b:2f"); !ok || got.Total != 0 {
		t.Errorf("found %+v, %t; want a price of nothing", got, ok)
	}
	if _, _, ok := again.Find("model_a:3f"); ok {
		t.Error("a price is written that is too old to be used")
	}
	if diff := cmp.Diff(text, written(t, again)); diff != "" {
		t.Errorf("the file changes by being read (-first +second):\n%s", diff)
	}
}

func TestQuoteFileIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	quotes := &plan.QuoteFile{}
	for i := range 1200 {
		quotes.Keep(fmt.Sprintf("m:%d", i), job.Quote{Total: 1000}, now.Add(time.Duration(i-1200)*time.Second))
	}
	again := read(t, written(t, quotes))
	for i, want := range map[int]bool{0: false, 199: false, 200: true, 1199: true} {
		if _, _, ok := again.Find(fmt.Sprintf("m:%d", i)); ok != want {
			t.Errorf("price %d of 1200 is kept: %t, want %t", i, ok, want)
		}
	}
}

func TestDamagedQuoteFiles(t *testing.T) {
	t.Parallel()
	entry := func(fields string) string { return `{"quotes": [{"key": "k", "model": "m", ` + fields + `}]}` }
	for name, content := range map[string]string{
		"empty":          "",
		"cut off":        written(t, &plan.QuoteFile{})[:9],
		"two":            `{"quotes": []} {"quotes": []}`,
		"a list":         `[]`,
		"no total":       entry(`"asked": "2026-11-01T22:00:00Z"`),
		"total of null":  entry(`"total": null, "asked": "2026-11-01T22:00:00Z"`),
		"negative total": entry(`"total": -1, "asked": "2026-11-01T22:00:00Z"`),
		"no time":        entry(`"total": 1`),
		"no key":         `{"quotes": [{"model": "m", "total": 1, "asked": "2026-11-01T22:00:00Z"}]}`,
		"no model":       `{"quotes": [{"key": "k", "total": 1, "asked": "2026-11-01T22:00:00Z"}]}`,
		"too large":      `{"quotes": []}` + strings.Repeat(" ", 5<<20),
	} {
		quotes, err := plan.ReadQuotes(strings.NewReader(content))
		if err == nil || quotes == nil {
			t.Errorf("%s: %v, error %v; want none and an error", name, quotes, err)
			continue
		}
		quotes.Keep("m:k", job.Quote{Total: 1}, time.Now())
		if _, _, ok := quotes.Find("m:k"); !ok {
			t.Errorf("%s: what is returned cannot be used", name)
		}
	}
}

func TestQuoteFileErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is away")
	if _, err := plan.ReadQuotes(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("error %v, want the reader's", err)
	}
	if _, err := new(plan.QuoteFile).WriteTo(failing{broken}); !errors.Is(err, broken) {
		t.Errorf("error %v, want the writer's", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestQuoteFileConcurrently is for the race detector.
func TestQuoteFileConcurrently(t *testing.T) {
	t.Parallel()
	quotes := &plan.QuoteFile{}
	var users sync.WaitGroup
	for user := range 4 {
		users.Go(func() {
			for i := range 100 {
				key := fmt.Sprintf("m:%d", i)
				quotes.Keep(key, job.Quote{Total: 1, Parts: map[string]job.CU{"p": 1}}, time.Now())
				if q, _, ok := quotes.Find(key); !ok || q.Total != 1 {
					t.Errorf("user %d does not find what it kept: %+v", user, q)
				}
				if i%20 == 0 {
					_ = written(t, quotes)
				}
			}
		})
	}
	users.Wait()
}
