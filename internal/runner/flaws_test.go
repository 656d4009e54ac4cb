package runner_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// An image with a flaw is downloaded again, and kept with a warning where it stays so.
func TestFlaws(t *testing.T) {
	t.Parallel()
	const wrong = "its pixels do not decode"
	for name, c := range map[string]struct {
		flaws   []string
		record  provider.Record
		warning string
	}{
		"none":               {},
		"gone the next time": {flaws: []string{wrong, wrong, ""}},
		"stays":              {flaws: slices.Repeat([]string{wrong}, 4), warning: wrong},
		"another size": {
			record:  provider.Record{Width: 512, Height: 256, Bytes: 7},
			warning: "the provider's record says 512 x 256 pixels and 7 bytes, the image has 0 x 0 and 17 bytes",
		},
		"a record that says nothing": {record: provider.Record{Width: 512}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, 1)
				b.folder.flaws, b.provider.record = c.flaws, c.record
				p := b.start(nil).watch().feed()
				b.over()
				p.stop()
				results := b.folder.resultsOf(b.jobs[0].ID)
				if len(results) != 1 || results[0].State != job.Succeeded || len(results[0].Images) != 1 {
					t.Fatalf("results are %+v", results)
				}
				if got := results[0].Images[0].Warning; got != c.warning {
					t.Errorf("the warning is %q, want %q", got, c.warning)
				}
				b.judge(0)
			})
		})
	}
}
