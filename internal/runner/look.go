package runner

import (
	"context"
	"fmt"
	"time"

	"nightshift/internal/job"
)

// look reads the provider's list with an API key, newest first, as far back as
// anything of ours can be in it, and returns how far that is.
func (w *watcher) look(ctx context.Context, apiKey string, v *view) (horizon time.Time, err error) {
	provider, err := w.APIKeys.Provider(apiKey)
	if err != nil {
		return time.Now(), err
	}
	search := newSearch(apiKey, v, allowance(provider))
	complete, err := w.scan(ctx, search, func(page []job.Inference) (bool, error) {
		if err := w.see(ctx, search, page); err != nil {
			return false, err
		}
		return search.satisfied(), nil
	})
	if err != nil {
		return search.horizon, err
	}
	if err := w.reconcile(ctx, search, v.unknown, complete); err != nil {
		return search.horizon, err
	}
	if complete {
		err = w.readMissing(ctx, search)
	}
	return search.horizon, err
}

// allowance is what is to be added to a time of ours for the earliest that the
// provider's clock can have shown then.
func allowance(p Provider) time.Duration {
	offset, uncertainty := p.ClockOffset()
	return offset - uncertainty - skew
}

// search is what one look is for.
type search struct {
	apiKey     string
	asked      time.Time              // the list shows what was there at this time at the least
	running    map[string]*job.Record // by inference, not yet seen
	unknown    int
	allowance  time.Duration // from our times to the provider's
	horizon    time.Time     // nothing of ours is older, by the provider's clock
	candidates []job.Inference
}

func newSearch(apiKey string, v *view, allowance time.Duration) *search {
	s := &search{
		apiKey: apiKey, asked: time.Now(), running: make(map[string]*job.Record, len(v.running)),
		unknown: len(v.unknown), allowance: allowance, horizon: time.Now().Add(allowance),
	}
	for _, rec := range v.running {
		s.running[rec.Inference] = rec
		s.horizon = earlier(s.horizon, rec.Started)
	}
	for _, rec := range v.unknown {
		s.horizon = earlier(s.horizon, s.earliest(rec))
	}
	return s
}

// earliest is the earliest that the provider can say it made the run of a job.
func (s *search) earliest(rec *job.Record) time.Time { return rec.Intent.Add(s.allowance) }

// tooOld reports whether a run was made before the job can have been sent. One
// without a time may be of any.
func (s *search) tooOld(run *job.Inference, rec *job.Record) bool {
	return !run.CreatedAt.IsZero() && run.CreatedAt.Before(s.earliest(rec))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// satisfied reports whether older pages can be left unread.
func (s *search) satisfied() bool { return s.unknown == 0 && len(s.running) == 0 }

// scan calls see with each page of the provider's list until it is satisfied or
// the list is older than the search. It reports whether it came that far.
func (r *Runner) scan(ctx context.Context, s *search, see func([]job.Inference) (bool, error)) (complete bool, err error) {
	token, empty := "", 0
	for range maxPages {
		var page []job.Inference
		var next string
		err := r.ask(ctx, s.apiKey, func(ctx context.Context, p Provider) (err error) {
			page, next, err = p.Inferences(ctx, token, listPage)
			return err
		})
		if err != nil {
			return false, err
		}
		satisfied, err := see(page)
		if err != nil {
			return false, err
		}
		if len(page) == 0 {
			empty++
		}
		if satisfied || next == "" || older(page, s.horizon) {
			return true, nil
		}
		if empty > emptyPages {
			return false, nil // it may go on behind them; nothing can be said to be absent
		}
		token = next
	}
	return false, fmt.Errorf("job list did not end after %d pages", maxPages)
}

// older reports whether a page ends before horizon. A run without a time says
// nothing.
func older(page []job.Inference, horizon time.Time) bool {
	if len(page) == 0 {
		return false
	}
	last := page[len(page)-1].CreatedAt
	return !last.IsZero() && last.Before(horizon)
}

// see takes what a page says of our running jobs, and keeps strangers that may be
// jobs whose reply was lost.
func (w *watcher) see(ctx context.Context, s *search, page []job.Inference) error {
	var strangers []string
	var over []endedRun
	for i := range page {
		run := &page[i]
		rec, ours := s.running[run.ID]
		if !ours {
			strangers = append(strangers, run.ID)
			continue
		}
		delete(s.running, run.ID)
		if run.Status.Ended() {
			over = append(over, endedRun{rec, run})
		}
	}
	if err := w.ended(ctx, over...); err != nil {
		return err
	}
	if s.unknown == 0 || len(strangers) == 0 {
		return nil
	}
	owned, err := w.Store.Ours(ctx, strangers)
	if err != nil {
		return err
	}
	for _, run := range page {
		if isOwned, stranger := owned[run.ID]; stranger && !isOwned {
			s.candidates = append(s.candidates, run)
		}
	}
	return nil
}
