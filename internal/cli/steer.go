package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/text"
	"nightshift/internal/view"
)

type steerOptions struct {
	json bool
	why  string // of pausing
	yes  bool   // the price is agreed to, of what goes on after a pick
}

// steering is what came of pausing, resuming or cancelling a batch. The names of its
// JSON stay.
type steering struct {
	Batch string `json:"batch"`
	// State is how it stands now: running, paused, cancelling, or the outcome of one that
	// was over already.
	State view.State `json:"state"`
	Was   view.State `json:"was"`
	Why   string     `json:"why,omitempty"`
	// What runs at the provider: it is paid in any case, and is collected. Known is false
	// where Redis could not be asked.
	Committed struct {
		Known bool   `json:"known"`
		Jobs  int    `json:"jobs"`
		CU    job.CU `json:"cu"`
	} `json:"committed"`
	// Announced says whether workers heard of it; if not they find out at their next round.
	Announced bool `json:"told"`
	// Silent are the workers that have not confirmed it in time: they may still send.
	Silent []string `json:"unconfirmed,omitempty"`

	arg string // what the batch is called on a command line
}

// steer is the commands pause, resume and cancel: it writes down what is wanted of a
// batch. What is so already stays so.
func steer(ctx context.Context, p app.Process, s config.Settings, arg string, wanted batch.ControlState, o steerOptions) error {
	return view.With(ctx, p, s, func(v *view.View) error {
		batch, err := v.Find(ctx, arg)
		if err != nil {
			return err
		}
		if v, err = v.Of(ctx, batch); err != nil {
			return err
		}
		if picked, err := resumePicked(ctx, v, batch, wanted, o); picked || err != nil {
			return err
		}
		done, err := steerBatch(ctx, v, batch, wanted, o.why)
		if err != nil {
			return err
		}
		if o.json {
			return text.WriteJSON(p.Stdout, done)
		}
		_, err = fmt.Fprint(p.Stdout, done.words(wanted))
		return err
	})
}

// resumePicked goes on with a batch that is over and of which jobs wait for a pick. It reports
// false for any other.
func resumePicked(ctx context.Context, v *view.View, id string, wanted batch.ControlState, o steerOptions) (bool, error) {
	if wanted != batch.ControlGo {
		return false, nil
	}
	open, err := batch.IsOpen(ctx, v.Bucket, id)
	if err != nil || open {
		return false, err
	}
	last, err := batch.ReadSubmission(ctx, v.Bucket, id)
	if err != nil || last == nil || last.Waiting == 0 {
		return false, err
	}
	result, err := retryBatch(ctx, v, id, retryOptions{json: o.json, pickedOnly: true, yes: o.yes})
	if err != nil {
		return true, err
	}
	if o.json {
		return true, text.WriteJSON(v.Process.Stdout, result)
	}
	_, err = fmt.Fprint(v.Process.Stdout, result.words())
	return true, err
}

// state is what a batch is in when this is wanted of it.
func stateFor(c batch.ControlState) view.State {
	switch c {
	case batch.ControlPause:
		return view.StatePaused
	case batch.ControlCancel:
		return view.StateCancelling
	default:
		return view.StateRunning
	}
}

var errCancelling = errors.New("it is being cancelled")

func steerBatch(ctx context.Context, v *view.View, id string, wanted batch.ControlState, why string) (*steering, error) {
	open, err := batch.OpenBatches(ctx, v.Bucket)
	if err != nil {
		return nil, err
	}
	r, err := view.ReadBatchInfo(ctx, v.Bucket, id, slices.Contains(open, id))
	if err != nil {
		return nil, err
	}
	done := &steering{Batch: id, State: r.State(), Was: r.State(), Why: r.Control.Why, arg: view.Arg(ctx, v.Bucket, id)}
	if !r.Open { // there is nothing to steer
		return done, nil
	}
	if r.Control.State == batch.ControlCancel && wanted != batch.ControlCancel {
		return nil, &job.InputError{Err: &job.HintedError{
			Err:  fmt.Errorf("batch %s: %w", id, errCancelling),
			Hint: "submit its manifest again, or retry it when it is over; what it has made is kept",
		}}
	}
	if r.Control.State != wanted || wanted == batch.ControlPause && why != "" && why != r.Control.Why {
		if err := batch.WriteControl(ctx, v.Bucket, r.Submission, batch.Control{State: wanted, Why: why}); err != nil {
			return nil, err
		}
		done.Why = why
		r.Control.State = wanted
	}
	if done.State = r.State(); done.State == view.StateWaiting {
		done.State = stateFor(wanted)
	}
	if done.Announced, err = v.Announce(ctx); err != nil {
		v.Logger.WarnContext(ctx, "workers not told", "err", err)
		done.Announced = false
	}
	if done.Announced && wanted != batch.ControlGo {
		if done.Silent, err = v.Confirm(ctx, r.Submission, wanted); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			v.Logger.WarnContext(ctx, "workers not asked whether they have heard", "err", err)
			done.Announced = false
		}
	}
	return done, committed(ctx, v, r, done)
}

// committed adds what runs at the provider.
func committed(ctx context.Context, v *view.View, r *view.BatchInfo, done *steering) error {
	if v.Fleet == nil {
		return nil
	}
	w, err := v.Work(ctx, r, nil)
	if err != nil {
		return err
	}
	done.Committed.Known, done.Committed.Jobs, done.Committed.CU = true, w.Running+w.Unknown+w.Storing, w.Reserved
	return nil
}

func (s *steering) words(wanted batch.ControlState) string {
	var text strings.Builder
	switch {
	case s.State != stateFor(wanted):
		return fmt.Sprintf("%s is over already (%s); there is nothing to %s\n", s.Batch, s.State, verbFor(wanted))
	case wanted == batch.ControlGo && s.Was != view.StatePaused:
		fmt.Fprintf(&text, "%s goes on, it was not paused\n", s.Batch)
	case wanted == batch.ControlGo:
		fmt.Fprintf(&text, "%s goes on\n", s.Batch)
	case s.Was == s.State:
		fmt.Fprintf(&text, "%s is %s already\n", s.Batch, s.State)
	case !s.Announced || len(s.Silent) > 0:
		fmt.Fprintf(&text, "%s is %s\n", s.Batch, steeredWord(wanted))
	case wanted == batch.ControlPause:
		fmt.Fprintf(&text, "%s is paused: nothing more is sent until enqueue resume %s\n", s.Batch, s.arg)
	default:
		fmt.Fprintf(&text, "%s is being cancelled: nothing more is sent, what it has made stays\n", s.Batch)
	}
	if len(s.Silent) > 0 {
		fmt.Fprintf(&text, "not confirmed in time by %s: what it sends may still go out; see enqueue status %s\n", strings.Join(s.Silent, ", "), s.arg)
	}
	if wanted != batch.ControlGo {
		text.WriteString(s.committedWords())
	}
	if !s.Announced {
		text.WriteString("workers could not be told from here, and send until they have heard; " + view.LaterWords + "\n")
	}
	return text.String()
}

func (s *steering) committedWords() string {
	switch {
	case !s.Committed.Known:
		return "what runs at the provider is paid in any case, and is collected\n"
	case s.Committed.Jobs == 0:
		return "nothing of it runs at the provider\n"
	case s.Committed.Jobs == 1:
		return fmt.Sprintf("1 job (%s CU) is committed and cannot be cancelled:\nit runs at the provider, is paid in any case, and is collected\n", s.Committed.CU)
	default:
		return fmt.Sprintf("%d jobs (%s CU) are committed and cannot be cancelled:\nthey run at the provider, are paid in any case, and are collected\n",
			s.Committed.Jobs, s.Committed.CU)
	}
}

func steeredWord(wanted batch.ControlState) string {
	if wanted == batch.ControlPause {
		return "paused"
	}
	return "being cancelled"
}

func verbFor(c batch.ControlState) string {
	switch c {
	case batch.ControlPause:
		return "pause"
	case batch.ControlCancel:
		return "cancel"
	default:
		return "resume"
	}
}
