package cli

import (
	"context"
	"errors"
	"io"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/plan"
	"nightshift/internal/progress"
	"nightshift/internal/text"
)

type planOptions struct {
	out  string
	json bool
	// retryRefused counts what was refused for its content and charged among what runs.
	retryRefused bool
	origin       originOptions
}

// showPlan is the command plan.
func showPlan(ctx context.Context, p app.Process, s config.Settings, file string, o planOptions) (err error) {
	session, err := openSession(ctx, p, s, file, o.origin, app.InBucket(o.out))
	if session != nil {
		defer func() { err = errors.Join(err, session.Cleanup.Run()) }()
	}
	if err != nil {
		return err
	}
	session.retryRefused = o.retryRefused
	plan, err := session.plan(ctx, nil)
	if err != nil {
		return err
	}
	if plan.UnderWay, err = session.underWay(ctx, plan); err != nil {
		return err
	}
	if err := writePlanTo(p.Stdout, plan, o.json); err != nil {
		return err
	}
	if !plan.Fits() {
		return app.ErrSomeFailed // what does not fit is in the plan
	}
	return nil
}

func writePlanTo(out io.Writer, plan *plan.Plan, asJSON bool) error {
	if !asJSON {
		return plan.WriteTable(out, progress.StyleOf(out, nil, false, false).Width)
	}
	return text.WriteIndentedJSON(out, plan)
}

// underWay is what earlier runs have sent and not brought home: it is paid, and a
// run collects it in place of sending it again.
func (o *session) underWay(ctx context.Context, made *plan.Plan) (*plan.UnderWay, error) {
	if o.state == nil || !o.simulatorGoneBefore().IsZero() {
		return nil, nil
	}
	left, err := o.Unfinished(ctx, o.state.Keys)
	if err != nil {
		return nil, err
	}
	ours, err := made.Running(func(id job.ID) bool { return left.Open[id] != nil })
	if err != nil {
		return nil, err
	}
	var u plan.UnderWay
	for id, open := range left.Open {
		if open.Job != nil && (ours[id] || made.ToRun() == 0) {
			u.Jobs++
			u.CU += open.Job.Quote
		}
	}
	if u.Jobs == 0 {
		return nil, nil
	}
	return &u, nil
}
