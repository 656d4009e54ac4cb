package batch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/job"
	"nightshift/internal/plan"
	"nightshift/internal/text"
)

// Rolling is which rows of a batch are rolled again for their rejected images.
type Rolling struct {
	Rows []string
	Left []string // why other rows with rejected images are not, a line each
}

// Rolling finds the rows of a plan whose images are rejected and would be others with another
// seed. A row with a picked image, which would be replaced, too, is left unless replacePicked
// is set.
func (f *Folder) Rolling(ctx context.Context, planKey string, replacePicked bool) (*Rolling, error) {
	rejected, picked, err := f.markedRows(ctx)
	if err != nil {
		return nil, err
	}
	r := new(Rolling)
	for planned, err := range PlannedJobs(ctx, f.Bucket, planKey) {
		if err != nil {
			return nil, err
		}
		if !rejected[planned.Row] {
			continue
		}
		if why := staysSame(&planned); why != "" {
			r.Left = append(r.Left, fmt.Sprintf("row %s: %s", planned.Row, why))
		} else if picked[planned.Row] && !replacePicked {
			r.Left = append(r.Left, fmt.Sprintf("row %s has a picked image beside the rejected one, which would be replaced, too; "+
				"take back the mark of one of them with enqueue pick --clear, or give --replace-picked", planned.Row))
		} else if !slices.Contains(r.Rows, planned.Row) {
			r.Rows = append(r.Rows, planned.Row)
			continue
		}
		delete(rejected, planned.Row)
	}
	for row := range rejected {
		if !slices.Contains(r.Rows, row) {
			r.Left = append(r.Left, fmt.Sprintf("row %s is not in the manifest any more", row))
		}
	}
	slices.Sort(r.Left)
	return r, nil
}

// markedRows are the rows with a rejected image, and those with a picked one.
func (f *Folder) markedRows(ctx context.Context) (rejected, picked map[string]bool, err error) {
	images, err := f.PlannedImages(ctx)
	if err != nil {
		return nil, nil, err
	}
	picks, err := ReadPicks(ctx, f.Bucket, f.Batch)
	if err != nil {
		return nil, nil, err
	}
	rejected, picked = make(map[string]bool), make(map[string]bool)
	for i := range images {
		if !images[i].Made {
			continue
		}
		switch picks.Of(images[i].Picture()) {
		case job.Rejected:
			rejected[images[i].Row] = true
		case job.Picked:
			picked[images[i].Row] = true
		case job.Unmarked:
		}
	}
	return rejected, picked, nil
}

// seedDrawn reports whether the seed of a job was drawn and not given. Plans of earlier
// versions do not say so, but ids do: they are made of what was given.
func seedDrawn(planned *plan.PlannedJob) bool {
	if planned.SeedDrawn {
		return true
	}
	byID := func(output string) bool { return strings.Contains(output, string(planned.ID[:8])) }
	if planned.Seed() == "" || slices.ContainsFunc(planned.Outputs, byID) { // named by its id, which does not tell then
		return false
	}
	return job.Identify(planned.Model, planned.Inputs, planned.Outputs) != planned.ID
}

// staysSame says why a job would make the same image again; "" if it would not.
func staysSame(planned *plan.PlannedJob) string {
	switch seed := planned.Seed(); {
	case seedDrawn(planned):
		return ""
	case seed != "":
		return "its seed is fixed to " + text.Clean(seed, text.Short) + " in the manifest, which makes the same image again; change or leave out the seed"
	case planned.Prompt() == "":
		return text.Clean(planned.Model, text.Short) + " takes neither seed nor prompt, and makes the same image again of the same inputs"
	default:
		return ""
	}
}
