package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/config"
	"nightshift/internal/job"
)

type steerOptions struct {
	json bool
	why  string // of pausing
}

// steering is what came of pausing, resuming or cancelling a batch. The names of its
// JSON stay.
type steering struct {
	Batch string `json:"batch"`
	// State is how it stands now: running, paused, cancelling, or the outcome of one that
	// was over already.
	State standState `json:"state"`
	Was   standState `json:"was"`
	Why   string     `json:"why,omitempty"`
	// What runs at the provider: it is paid in any case, and is collected. Known is false
	// where Redis could not be asked.
	Committed struct {
		Known bool   `json:"known"`
		Jobs  int    `json:"jobs"`
		CU    job.CU `json:"cu"`
	} `json:"committed"`
	// Told says whether workers heard of it; if not they find out at their next round.
	Told bool `json:"told"`
}

// steer is the commands pause, resume and cancel: it writes down what is wanted of a
// batch. What is so already stays so.
func steer(ctx context.Context, p Process, s config.Settings, arg string, wanted controlState, o steerOptions) error {
	return withFleet(ctx, p, s, func(v *fleetView) error {
		batch, err := v.find(ctx, arg)
		if err != nil {
			return err
		}
		done, err := v.of(ctx, batch).steer(ctx, batch, wanted, o.why)
		if err != nil {
			return err
		}
		if o.json {
			return json.NewEncoder(p.Stdout).Encode(done)
		}
		_, err = fmt.Fprint(p.Stdout, done.words(wanted))
		return err
	})
}

// state is what a batch is in when this is wanted of it.
func (c controlState) state() standState {
	switch c {
	case controlPause:
		return statePaused
	case controlCancel:
		return stateCancelling
	default:
		return stateRunning
	}
}

var errCancelling = errors.New("it is being cancelled")

func (v *fleetView) steer(ctx context.Context, batch string, wanted controlState, why string) (*steering, error) {
	open, err := openBatches(ctx, v.bucket)
	if err != nil {
		return nil, err
	}
	r, err := readRecord(ctx, v.bucket, batch, slices.Contains(open, batch))
	if err != nil {
		return nil, err
	}
	done := &steering{Batch: batch, State: r.state(), Was: r.state(), Why: r.control.Why}
	if !r.open { // there is nothing to steer
		return done, nil
	}
	if r.control.State == controlCancel && wanted != controlCancel {
		return nil, &inputError{&job.HintedError{
			Err:  fmt.Errorf("batch %s: %w", batch, errCancelling),
			Hint: "submit its manifest again, or retry it when it is over; what it has made is kept",
		}}
	}
	if r.control.State != wanted || wanted == controlPause && why != "" && why != r.control.Why {
		if err := writeControl(ctx, v.bucket, r.order, control{State: wanted, Why: why}); err != nil {
			return nil, err
		}
		done.Why = why
		r.control.State = wanted
	}
	if done.State = r.state(); done.State == stateWaiting {
		done.State = wanted.state()
	}
	if done.Told, err = v.announce(ctx); err != nil {
		v.logger.WarnContext(ctx, "workers not told", "err", err)
		done.Told = false
	}
	return done, v.committed(ctx, r, done)
}

// committed adds what runs at the provider.
func (v *fleetView) committed(ctx context.Context, r *batchRecord, done *steering) error {
	if v.fleet == nil {
		return nil
	}
	w, err := v.work(ctx, r, nil)
	if err != nil {
		return err
	}
	done.Committed.Known, done.Committed.Jobs, done.Committed.CU = true, w.running+w.unknown+w.storing, w.reserved
	return nil
}

func (s *steering) words(wanted controlState) string {
	var text strings.Builder
	switch {
	case s.State != wanted.state():
		return fmt.Sprintf("%s is over already (%s); there is nothing to %s\n", s.Batch, s.State, wanted.verb())
	case wanted == controlGo && s.Was != statePaused:
		fmt.Fprintf(&text, "%s goes on, it was not paused\n", s.Batch)
	case wanted == controlGo:
		fmt.Fprintf(&text, "%s goes on\n", s.Batch)
	case s.Was == s.State:
		fmt.Fprintf(&text, "%s is %s already\n", s.Batch, s.State)
	case wanted == controlPause:
		fmt.Fprintf(&text, "%s is paused: nothing more is sent until enqueue resume %s\n", s.Batch, s.Batch)
	default:
		fmt.Fprintf(&text, "%s is being cancelled: nothing more is sent, what it has made stays\n", s.Batch)
	}
	if wanted != controlGo {
		text.WriteString(s.committedWords())
	}
	if !s.Told {
		text.WriteString("workers could not be told from here; " + laterWords + "\n")
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

func (c controlState) verb() string {
	switch c {
	case controlPause:
		return "pause"
	case controlCancel:
		return "cancel"
	default:
		return "resume"
	}
}
