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
	"nightshift/internal/text"
)

// maxLines is how many price shapes are listed; further ones are summed up.
const maxLines = 15

// WriteTable writes the plan for a person to read, as plain text. Lines fit a
// terminal of so many columns; with 0 they are as long as they need to be. It
// returns the writer's error.
func (p *Plan) WriteTable(w io.Writer, columns int) error {
	t := table{width: lineWidth(columns)}
	t.line("Plan of %s (%s)", text.Clean(p.Batch, text.Any), p.Mode)
	t.line("")
	t.line("  %s, %s, %s", text.Count(p.Rows, "row"), text.Count(p.Jobs, "job"), text.Count(p.Images, "image"))
	t.line("  %s", p.changes())
	if p.UnderWay != nil {
		t.line("  %s of them, %s CU, are paid and under way: collected, not paid again", text.Count(p.UnderWay.Jobs, "job"), p.UnderWay.CU)
	}
	if p.FailedBefore > 0 {
		t.wrap(fmt.Sprintf("%s failed before: refused for the content and charged, %s CU so far. Not run again; "+
			"change the rows, or ask for them with --retry-refused.", text.Count(p.FailedBefore, "job"), p.FailedBeforeCost))
	}
	if p.RetryRefused {
		t.wrap("Jobs that were refused and charged before run again, since --retry-refused asks for it.")
	}
	if p.Waiting > 0 {
		t.wrap(waitForPick(p.Waiting, p.WaitingCost))
	}
	if picked := p.PickedWords(); picked != "" {
		t.wrap(text.Clean(picked, text.Any) + ". run, submit and retry refuse that unless --replace-picked is given.")
	}
	p.writeShapes(&t)
	p.writeSteps(&t)
	p.writeCaps(&t)
	p.writeForecast(&t)
	p.writeWarnings(&t)
	p.writeSamples(&t)
	_, err := io.WriteString(w, t.String())
	return err
}

func (p *Plan) changes() string {
	line := fmt.Sprintf("%d new, %d changed, %d kept", p.New, p.Changed, p.Kept)
	if p.Waiting > 0 {
		line += fmt.Sprintf(", %d waiting", p.Waiting)
	}
	if p.FailedBefore > 0 {
		line += fmt.Sprintf(", %d failed before", p.FailedBefore)
	}
	if p.ToRun() == 0 {
		return line + ": nothing to run"
	}
	return fmt.Sprintf("%s: %s to run, %s, %s CU", line, text.Count(p.ToRun(), "job"), text.Count(p.ImagesToRun, "image"), p.Cost)
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
	p.writeEstimates(t)
	p.writeCacheAge(t)
}

// waitForPick says how many jobs wait, and what they cost once they run.
func waitForPick(jobs int, cost job.CU) string {
	if jobs == 1 {
		return fmt.Sprintf("1 job waits for a pick, %s CU once it runs: see enqueue pick.", cost)
	}
	return fmt.Sprintf("%s wait for a pick, %s CU once they run: see enqueue pick.", text.Count(jobs, "job"), cost)
}

// writeEstimates says which prices were asked for without the pictures that jobs take.
func (p *Plan) writeEstimates(t *table) {
	var models []string
	for _, shape := range p.Shapes {
		if shape.Estimate && !slices.Contains(models, shape.Model) {
			models = append(models, shape.Model)
		}
	}
	if len(models) == 0 {
		return
	}
	t.line("")
	t.wrap("Prices of " + text.Clean(listed(models), text.Any) + " are estimates: they were asked for with a placeholder in place of pictures.")
}

// writeCacheAge says when prices are older than a look at the table suggests.
func (p *Plan) writeCacheAge(t *table) {
	if p.cacheAge < staleAfter {
		return
	}
	which := "Some prices"
	if p.allRecalled {
		which = "Prices"
	}
	t.line("")
	t.line("  %s are from cache, the oldest is %s old.", which, roughly(p.cacheAge))
}

func (s *Shape) cells() []string {
	var values []string
	for _, name := range slices.Sorted(maps.Keys(s.Inputs)) {
		values = append(values, name+"="+written(s.Inputs[name]))
	}
	return []string{text.Clean(s.Model, text.Any), text.Clean(strings.Join(values, " "), text.Any), fmt.Sprint(s.Jobs), fmt.Sprint(s.Images), s.Each.String(), s.Total.String()}
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
		scope := text.Clean(perPeriod(check.Scope, check.Period), text.Any)
		rows = append(rows, []string{scope, check.verdict(), check.CU.String(), check.Spent.String(), check.Left.String()})
	}
	t.line("")
	t.columns(rows, 2)
}

func (c *CapCheck) verdict() string {
	switch {
	case c.Fits:
		return "fits"
	case c.Never > 0:
		return text.Count(c.Never, "job") + " too dear for it"
	case c.Periods > 0 && c.Period == PeriodTotal:
		return "waits for other keys"
	case c.Periods > 0:
		return fmt.Sprintf("needs %s of this cap", text.Count(c.Periods, c.Period))
	default:
		return c.Short.String() + " CU short"
	}
}

func (p *Plan) writeForecast(t *table) {
	if p.ToRun() == 0 {
		return
	}
	f := &p.Forecast
	t.line("")
	t.wrap(f.headline(p.ToRun()))
	for _, run := range f.Runs {
		t.wrap(run.String())
	}
	for _, note := range f.Notes {
		t.wrap("Note: " + text.Clean(note, text.Any) + ".")
	}
}

func (p *Plan) writeWarnings(t *table) {
	if len(p.Warnings) > 0 {
		t.line("")
	}
	for _, warning := range p.Warnings {
		t.wrap("Warning: " + text.Clean(warning, text.Any))
	}
}

// Shortage says to a person how much of the plan the caps let through; "" if they cover
// it at once.
func (p *Plan) Shortage() string {
	f := &p.Forecast
	tight := slices.IndexFunc(p.Caps, func(c CapCheck) bool { return !c.Fits && perPeriod(c.Scope, c.Period) == f.Scope })
	if f.Bound != BoundCU || tight < 0 {
		return ""
	}
	c := &p.Caps[tight]
	line := fmt.Sprintf("the %s, %s CU of which %s are spent, does not cover it: ", capWords(f.Scope), c.CU, c.Spent)
	switch {
	case f.Jobs == 0:
		return line + "no job fits"
	case f.Jobs < p.ToRun():
		return line + fmt.Sprintf("%d of %s fit, the others do not run", f.Jobs, text.Count(p.ToRun(), "job"))
	default:
		return line + "the rest waits for its next " + cmp.Or(shortPeriod(c.Period), "period") + ", in all about " + roughly(f.Duration())
	}
}

// capWords name a cap: by what it is of, or by the variable that sets it.
func capWords(scope string) string {
	if strings.Contains(scope, " ") {
		return "cap of the " + text.Clean(scope, text.Any)
	}
	return "cap " + text.Clean(scope, text.Any)
}

// shortPeriod is the word of a period that ends.
func shortPeriod(period string) string {
	if period == PeriodTotal {
		return ""
	}
	return period
}

// headline says how long the jobs take, and what decides.
func (f *Forecast) headline(jobs int) string {
	took := "Time: about " + roughly(f.Duration())
	switch f.Bound {
	case BoundRate:
		return fmt.Sprintf("%s; the request rate decides (about %g requests a job).", took, requestsPerJob)
	case BoundParallel:
		return took + "; the ceiling of parallel inferences decides."
	case BoundWindow:
		return took + "; the window of the batch decides."
	case BoundCU:
		if f.Jobs == 0 {
			return fmt.Sprintf("No job fits under the %s.", capWords(f.Scope))
		}
		if f.Jobs == jobs {
			return fmt.Sprintf("%s; the %s decides.", took, capWords(f.Scope))
		}
		return fmt.Sprintf("About %d of %d jobs fit under the %s, in about %s; the others do not run.",
			f.Jobs, jobs, capWords(f.Scope), roughly(f.Duration()))
	default:
		return took + "; the time of an inference decides."
	}
}

// String says where a run time comes from.
func (r RunTime) String() string {
	took := roughly(time.Duration(r.Seconds * float64(time.Second)))
	if r.Observed == 0 {
		return fmt.Sprintf("A run of %s is assumed to take %s: none was seen of late.", text.Clean(r.Model, text.Any), took)
	}
	return fmt.Sprintf("A run of %s takes %s (median of the last %d).", text.Clean(r.Model, text.Any), took, r.Observed)
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
		rows[i] = []string{string(sample.Status), text.Clean(sample.Row, text.Any), text.Clean(output, text.Any), text.Clean(sample.Prompt, text.Any)}
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
	case d < 2*day:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		d = d.Round(time.Hour)
		if d%day == 0 {
			return fmt.Sprintf("%d days", d/day)
		}
		return fmt.Sprintf("%d days %d h", d/day, d%day/time.Hour)
	}
}
