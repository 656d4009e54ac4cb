package plan

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/job"
)

// maxLines is how many price shapes are listed; further ones are summed up.
const maxLines = 15

// WriteTable writes the plan for a person to read: plain text, at most 80 columns.
// It returns the writer's error.
func (p *Plan) WriteTable(w io.Writer) error {
	var t table
	t.line("Plan of %s (%s)", clean(p.Batch), p.Mode)
	t.line("")
	t.line("  %s, %s, %s", counted(p.Rows, "row"), counted(p.Jobs, "job"), counted(p.Images, "image"))
	t.line("  %s", p.changes())
	p.writeShapes(&t)
	p.writeCaps(&t)
	p.writeForecast(&t)
	p.writeSamples(&t)
	_, err := io.WriteString(w, t.String())
	return err
}

func (p *Plan) changes() string {
	text := fmt.Sprintf("%d new, %d changed, %d kept", p.New, p.Changed, p.Kept)
	if p.ToRun() == 0 {
		return text + ": nothing to run"
	}
	return fmt.Sprintf("%s: %s to run, %s, %s CU", text, counted(p.ToRun(), "job"), counted(p.ImagesToRun, "image"), p.Cost)
}

func (p *Plan) writeShapes(t *table) {
	if len(p.Shapes) == 0 {
		return
	}
	rows := [][]string{{"MODEL", "PRICE BY", "JOBS", "IMAGES", "CU EACH", "CU"}}
	shapes := slices.Clone(p.Shapes)
	slices.SortStableFunc(shapes, func(a, b Shape) int { return cmp.Compare(b.Total, a.Total) })
	for _, shape := range shapes[:min(len(shapes), maxLines)] {
		rows = append(rows, shape.cells())
	}
	if len(shapes) > maxLines {
		rows = append(rows, restOf(shapes[maxLines:]))
	}
	if len(shapes) > 1 {
		rows = append(rows, []string{"total", "", fmt.Sprint(p.ToRun()), fmt.Sprint(p.ImagesToRun), "", p.Cost.String()})
	}
	t.line("")
	t.columns(rows, 2)
}

func (s *Shape) cells() []string {
	var values []string
	for _, name := range slices.Sorted(maps.Keys(s.Inputs)) {
		values = append(values, name+"="+text(s.Inputs[name]))
	}
	return []string{clean(s.Model), clean(strings.Join(values, " ")), fmt.Sprint(s.Jobs), fmt.Sprint(s.Images), s.Each.String(), s.Total.String()}
}

func restOf(shapes []Shape) []string {
	var jobs, images int
	var total job.CU
	for _, shape := range shapes {
		jobs += shape.Jobs
		images += shape.Images
		total += shape.Total
	}
	return []string{fmt.Sprintf("%d more prices", len(shapes)), "", fmt.Sprint(jobs), fmt.Sprint(images), "", total.String()}
}

func (p *Plan) writeCaps(t *table) {
	if len(p.Caps) == 0 {
		return
	}
	rows := [][]string{{"CAP", "THIS PLAN", "CU", "SPENT", "LEFT"}}
	for _, check := range p.Caps {
		verdict := "fits"
		if !check.Fits {
			verdict = check.Short.String() + " CU short"
		}
		rows = append(rows, []string{clean(check.Scope), verdict, check.CU.String(), check.Spent.String(), check.Left.String()})
	}
	t.line("")
	t.columns(rows, 2)
}

func (p *Plan) writeForecast(t *table) {
	if p.ToRun() == 0 {
		return
	}
	f := &p.Forecast
	t.line("")
	t.wrap("  ", f.headline(p.ToRun()))
	for _, run := range f.Runs {
		t.wrap("  ", run.String())
	}
	for _, note := range f.Notes {
		t.wrap("  ", "Note: "+clean(note)+".")
	}
}

// headline says how long the jobs take, and what decides.
func (f *Forecast) headline(jobs int) string {
	took := "Time: about " + roughly(f.Duration())
	switch f.Bound {
	case BoundRate:
		return fmt.Sprintf("%s; the request rate decides (%g requests a job).", took, requestsPerJob)
	case BoundParallel:
		return took + "; the ceiling of parallel inferences decides."
	case BoundCU:
		if f.Jobs == 0 {
			return fmt.Sprintf("No job fits under the cap of the %s.", clean(f.Scope))
		}
		return fmt.Sprintf("About %d of %d jobs fit under the cap of the %s, in about %s; the others wait for CU.",
			f.Jobs, jobs, clean(f.Scope), roughly(f.Duration()))
	default:
		return took + "; no limit is known."
	}
}

// String says where a run time comes from.
func (r RunTime) String() string {
	took := roughly(time.Duration(r.Seconds * float64(time.Second)))
	if r.Observed == 0 {
		return fmt.Sprintf("A run of %s is assumed to take %s: none was seen of late.", clean(r.Model), took)
	}
	return fmt.Sprintf("A run of %s takes %s (median of the last %d).", clean(r.Model), took, r.Observed)
}

func (p *Plan) writeSamples(t *table) {
	if len(p.Samples) == 0 {
		return
	}
	rows := make([][]string, len(p.Samples))
	for i, sample := range p.Samples {
		output := sample.Outputs[0]
		if more := len(sample.Outputs) - 1; more > 0 {
			output += fmt.Sprintf(" +%d", more)
		}
		rows[i] = []string{string(sample.Status), clean(sample.Row), clean(output), clean(sample.Prompt)}
	}
	t.line("")
	t.line("  First of the jobs to run")
	t.columns(rows, 4)
}

// roughly writes a time as a person would say it.
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	default:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}
