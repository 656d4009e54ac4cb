package app

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/progress"
	"nightshift/internal/runner"
)

// display shows a batchRun while it goes on.
type display struct {
	run   *batchRun
	out   io.Writer
	style progress.Style
	view  *progress.View
	ended chan job.Result

	mu     sync.Mutex
	engine *engine           // nil until there is one
	last   progress.Snapshot // what is shown when Redis does not answer in time
}

// landedQueue is how many results may wait to be shown.
const landedQueue = 256

func newDisplay(r *batchRun, out io.Writer, style progress.Style) *display {
	d := &display{run: r, out: out, style: style, ended: make(chan job.Result, landedQueue)}
	d.last.Batch, d.last.Mode, d.last.Started = r.manifest.Name, r.manifest.Mode, r.started
	d.last.Phase = progress.Planning
	d.view = progress.Start(out, style, d.snapshot, d.ended)
	return d
}

// stop ends the view; it may be called again. Nothing may land after it.
func (d *display) stop() { d.view.Stop() }

func (d *display) phase(phase progress.Phase) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last.Phase = phase
}

// shows says which engine does the work from now on.
func (d *display) shows(e *engine) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.engine = e
}

// note tells a person something that happened.
func (d *display) note(text string) { d.view.Println(text) }

// waiting shows what planning waits for.
func (d *display) waiting(reason job.WaitReason, after time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last.Waiting = progress.Wait{Reason: reason, Until: time.Now().Add(after)}
}

func (d *display) planned() {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.run.plan
	d.last.Jobs.Total, d.last.Jobs.Kept, d.last.Images.Total = p.Jobs, p.Kept, p.ImagesToRun
	d.last.Jobs.Queued = p.ToRun()
	d.last.Forecast, d.last.CU.Cap = p.Forecast.Duration(), d.run.manifest.Budget
	d.last.Waiting = progress.Wait{}
}

// landed shows a result. One that comes while the terminal stands still, as under
// Ctrl-S, is not shown: the work never waits for who looks at it. As lines for
// programs all are written.
func (d *display) landed(result job.Result) {
	if d.style.JSON {
		d.ended <- result
		return
	}
	select {
	case d.ended <- result:
	default:
	}
}

// resumed tells what is taken over from earlier runs.
func (d *display) resumed(open []runner.Open) {
	var known, lost int
	var cu job.CU
	for _, o := range open {
		if o.Inference == "" {
			lost++
			continue
		}
		known++
		cu += o.Job.Quote
	}
	if known > 0 {
		d.view.Println(fmt.Sprintf("found %s of an earlier run, %s CU: paid already, collecting them", counted(known, "inference"), cu))
	}
	if lost > 0 {
		d.view.Println(fmt.Sprintf("%s of an earlier run had no answer: looking them up before anything is sent again", counted(lost, "submission")))
	}
}

// snapshot asks the parts how far they are.
func (d *display) snapshot() progress.Snapshot {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last.Requests, _ = d.run.api.requests.snapshot()
	if d.engine != nil && d.last.Phase != progress.LookingUp {
		d.readWork(ctx) // at the end too, or the last line would show the work as it was a moment before
	}
	return d.last
}

// readWork takes over what answers; the rest stays as it was.
func (d *display) readWork(ctx context.Context) {
	r := d.run
	counts, err := d.engine.store.Counts(ctx, r.batch)
	if err != nil {
		d.last.Waiting = progress.Wait{Reason: job.WaitBackoff, Detail: "Redis does not answer, and everything waits for it"}
		return
	}
	jobs := &d.last.Jobs
	jobs.Succeeded, jobs.Failed = counts.Jobs[job.Succeeded], counts.Jobs[job.Failed]
	jobs.Running = counts.Jobs[job.Running] + counts.Jobs[job.Sending]
	jobs.Unknown, jobs.Storing = counts.Jobs[job.Unknown], counts.Jobs[job.Storing]
	jobs.Queued = jobs.Total - jobs.Kept - jobs.Succeeded - jobs.Failed - jobs.Running - jobs.Unknown - jobs.Storing
	d.last.Images.Done = counts.Images
	if usage, err := r.gate.ofBatchUsage(ctx, r.batch); err == nil {
		d.last.CU.Spent, d.last.CU.Reserved = usage.Spent, usage.Reserved
	}
	waits := d.engine.runner.Waits()
	d.last.Waiting = progress.Wait{Reason: waits.Reason, Until: waits.Until, Detail: waits.Detail}
	if waits.Endless {
		d.last.Waiting.Until = time.Time{} // it is asked again then, and no more than that
	}
	if waits.Reason == "" && d.last.Jobs.Unknown > 0 {
		d.last.Waiting.Reason = job.WaitUnknown
		d.last.Waiting.Detail = counted(d.last.Jobs.Unknown, "submission")
	}
}
