package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/picture"
	"nightshift/internal/text"
)

// Step is what one step of the manifest makes of all rows, or the rows themselves.
type Step struct {
	Name   string `json:"name,omitempty"` // "" for the rows
	After  string `json:"after,omitempty"`
	Jobs   int    `json:"jobs"`   // that run
	Images int    `json:"images"` // of those
	Cost   job.CU `json:"cost"`
	// Waiting are jobs that wait for a pick, and WaitingCost is what they cost once they run.
	Waiting     int    `json:"waiting,omitempty"`
	WaitingCost job.CU `json:"waitingCost,omitempty"`

	shapes  map[int]int // jobs that run by the number of their price shape
	waiting map[int]int
}

// References are the files that a plan's jobs take as pictures.
type References struct {
	Files int   `json:"files"` // of different content
	Bytes int64 `json:"bytes"`
}

// ReferenceFiles are the files that the jobs take as pictures, each content once.
func (p *Plan) ReferenceFiles() []picture.File { return p.files }

func (p *Plan) setReferences(files []picture.File) {
	if p.files = files; len(files) == 0 {
		return
	}
	p.References = &References{Files: len(files)}
	for _, file := range files {
		p.References.Bytes += file.Bytes
	}
}

// countStep adds a job to the sums of its step.
func (s *scan) countStep(row *manifest.Row, j *job.Job, status Status, shape int) {
	at := slices.IndexFunc(s.steps, func(step *Step) bool { return step.Name == row.Step })
	if at < 0 {
		at = len(s.steps)
		s.steps = append(s.steps, &Step{Name: row.Step, After: after(row), shapes: make(map[int]int), waiting: make(map[int]int)})
	}
	step := s.steps[at]
	switch {
	case status == Waiting:
		step.Waiting++
		step.waiting[shape]++
	case status.Runs():
		step.Jobs++
		step.Images += len(j.Outputs)
		step.shapes[shape]++
	}
}

// after names the step whose image a step takes.
func after(row *manifest.Row) string {
	if row.Step == "" {
		return ""
	}
	for p := range madePictures(row) {
		return p.Written
	}
	return ""
}

// priceSteps sums the prices of the steps up, and says what is to be paid once all is
// picked.
func (p *Plan) priceSteps(s *scan) {
	for _, shape := range s.shapes.order {
		p.WaitingCost += shape.Each * job.CU(shape.Waiting)
	}
	if len(s.steps) < 2 { // rows alone
		return
	}
	for _, step := range s.steps {
		for shape, jobs := range step.shapes {
			step.Cost += s.shapes.order[shape].Each * job.CU(jobs)
		}
		for shape, jobs := range step.waiting {
			step.WaitingCost += s.shapes.order[shape].Each * job.CU(jobs)
		}
		p.Steps = append(p.Steps, *step)
	}
}

// chain notes the models by which an image comes about, one after the other.
func (s *scan) chain(model string, taken []madeImage) string {
	longest := ""
	for _, image := range taken {
		if image.job.status.Runs() && strings.Count(image.job.chain, chainMark) >= strings.Count(longest, chainMark) {
			longest = image.job.chain
		}
	}
	for strings.Count(longest, chainMark) >= mostChain {
		longest = longest[1+strings.Index(longest[1:], chainMark):]
	}
	chain := longest + chainMark + model
	if len(taken) > 0 {
		s.chains[chain] = true
	}
	return chain
}

// mostChain is how many stages of a chain count for the time that it takes.
const mostChain = 64

// chainMark stands before each model of a chain.
const chainMark = "\n"

// longestChain is how long the longest chain of runs takes, with what passes between them, in
// seconds.
func (p *Plan) longestChain(seconds map[string]float64) float64 {
	longest := 0.0
	for chain := range p.chains {
		took := -between
		for model := range strings.SplitSeq(strings.TrimPrefix(chain, chainMark), chainMark) {
			took += seconds[model] + between
		}
		longest = max(longest, took)
	}
	return longest
}

// between is what passes between the end of a run and the start of the next of its chain,
// in seconds: the image is stored first.
const between = 3.0

// writeSteps writes what is made of what, and what that costs.
func (p *Plan) writeSteps(t *table) {
	if p.References != nil {
		t.line("")
		t.line("  %s, %s, given to models; uploaded once a project", text.Count(p.References.Files, "picture"), text.Bytes(p.References.Bytes))
	}
	if len(p.Steps) == 0 {
		return
	}
	rows := [][]string{{"STEP", "TAKES", "JOBS", "IMAGES", "CU", "WAIT FOR A PICK", "CU THEN"}}
	for _, step := range p.Steps {
		row := []string{cmp.Or(step.Name, "rows"), step.takes(), fmt.Sprint(step.Jobs), fmt.Sprint(step.Images), step.Cost.String(), "", ""}
		if step.Waiting > 0 {
			row[5], row[6] = fmt.Sprint(step.Waiting), step.WaitingCost.String()
		}
		rows = append(rows, row)
	}
	t.line("")
	t.columns(rows, 2)
}

func (s *Step) takes() string {
	if s.Name == "" {
		return ""
	}
	return cmp.Or(s.After, "rows")
}
