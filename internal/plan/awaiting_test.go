package plan_test

import (
	"strings"
	"testing"

	"nightshift/internal/job"
	"nightshift/internal/plan"
)

// A job waits for the first image that it takes, as the manifest gives them; one that has its
// result passes the mark on to what is made of it, and one that waits makes others wait.
func TestAwaiting(t *testing.T) {
	t.Parallel()
	id := func(row string) job.ID { return job.Identify("m", nil, []string{row}) }
	type given struct {
		row, takes string
		picked     bool // runs only once what it is made of is picked
		runs       bool
	}
	chain := []given{
		{row: "axe"}, {row: "bow"},
		{row: "axe/cut", takes: "axe"},
		{row: "axe/large", takes: "axe/cut", picked: true, runs: true},
		{row: "axe/framed", takes: "axe/large", runs: true},
		{row: "pair", takes: "bow axe", picked: true, runs: true},
		{row: "kept", takes: "bow", picked: true},
	}
	for name, c := range map[string]struct {
		marks map[string]job.Mark
		want  string
	}{
		"nothing":            {nil, "axe/large axe/framed pair"},
		"inherited":          {map[string]job.Mark{"axe": job.Picked}, "pair"},
		"of the image taken": {map[string]job.Mark{"axe/cut": job.Picked, "bow": job.Picked}, ""},
		"taken back":         {map[string]job.Mark{"axe": job.Picked, "axe/cut": job.Rejected}, "axe/large axe/framed pair"},
	} {
		marks := make(map[job.Picture]job.Mark)
		for row, mark := range c.marks {
			marks[job.Picture{Job: id(row)}] = mark
		}
		awaiting := plan.NewAwaiting(func(image job.Picture) job.Mark {
			if mark, marked := marks[image]; marked {
				return mark
			}
			return job.Unmarked
		})
		var waits []string
		for _, g := range chain {
			j := job.Job{ID: id(g.row), Row: g.row, Picked: g.picked, Inputs: job.Inputs{}, PictureInputs: []string{"mask", "image"}}
			for i, row := range strings.Fields(g.takes) {
				j.Inputs[j.PictureInputs[i]] = job.Picture{Job: id(row)}.String()
			}
			if awaiting.Add(&j, g.runs) {
				waits = append(waits, g.row)
			}
		}
		if got := strings.Join(waits, " "); got != c.want {
			t.Errorf("%s: %q wait, want %q", name, got, c.want)
		}
	}
}
