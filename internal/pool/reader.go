package pool

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// projectReader is the API as a key opens it. What the key may not read, others of its
// project read in its place.
type projectReader struct {
	provider.Provider
	keys     *Keyring
	apiKey   string
	requests provider.Requests
}

// Poll implements [provider.Provider].
func (p *projectReader) Poll(ctx context.Context, runs []provider.Run) (told []job.Inference, err error) {
	err = p.read(job.ReadRuns, func(as provider.Provider) (err error) {
		told, err = as.Poll(ctx, runs)
		return err
	})
	return told, err
}

// Find implements [provider.Provider].
func (p *projectReader) Find(ctx context.Context, attempts []provider.Attempt, known []provider.Run, ours provider.Ours) (matches []provider.Match, err error) {
	err = p.read(job.ReadRuns, func(as provider.Provider) (err error) {
		matches, err = as.Find(ctx, attempts, known, ours)
		return err
	})
	return matches, err
}

// Fetch implements [provider.Provider].
func (p *projectReader) Fetch(ctx context.Context, image provider.Image) (body io.ReadCloser, length int64, err error) {
	err = p.read(job.ReadAssets, func(as provider.Provider) (err error) {
		body, length, err = as.Fetch(ctx, image)
		return err
	})
	return body, length, err
}

// read makes a call with the first key that may make it, those first that were not refused
// before: a person may have given them the scope since. If all are refused, the error is
// that of the first.
func (p *projectReader) read(action job.Action, call func(as provider.Provider) error) error {
	var refused error
	for _, id := range p.keys.readers(p.apiKey, action) {
		as := p.Provider
		if id != p.apiKey {
			key := p.keys.Find(id)
			if key == nil {
				continue
			}
			as = key.Account.Limited(ofAnother{p.requests})
		}
		err := call(as)
		scope, lacking := errors.AsType[*job.ScopeError](err)
		_, forbidden := errors.AsType[*job.AccessError](err)
		switch {
		case err == nil:
			p.keys.lack(id, action, nil)
			p.keys.accepted(id)
			return nil
		case lacking:
			p.keys.lack(id, action, scope)
		case !forbidden || id == p.apiKey:
			return err
		}
		if refused == nil {
			refused = err
		}
	}
	return refused
}

// ofAnother is the request rate of a project for a call with another key of it: a refusal
// of that key says nothing about this one.
type ofAnother struct{ provider.Requests }

// Refused implements [provider.Requests].
func (o ofAnother) Refused(ctx context.Context, refusal error) (again bool, err error) {
	if _, access := errors.AsType[*job.AccessError](refusal); access {
		return false, refusal
	}
	return o.Requests.Refused(ctx, refusal)
}

// readers are the keys with which to read what a key has sent: itself and the usable ones
// of its project, those last that were refused this.
func (k *Keyring) readers(apiKey string, action job.Action) []string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var may, mayNot []string
	for _, id := range append([]string{apiKey}, k.order...) {
		key := k.Keys[id]
		switch {
		case key == nil || id != apiKey && (key.refusals.stand() || id == "" || !key.Origin().Same(k.known(apiKey))):
		case slices.Contains(may, id) || slices.Contains(mayNot, id):
		case key.lacks[action] != nil:
			mayNot = append(mayNot, id)
		default:
			may = append(may, id)
		}
	}
	return append(may, mayNot...)
}

// Lacks notes what a key was found to lack when that was looked for, which is no mistake.
func (k *Keyring) Lacks(apiKey string, missing []*job.ScopeError) {
	for _, access := range missing {
		for range surely {
			k.lack(apiKey, access.Action, access)
		}
	}
}

// lack notes that a key may not do something, or (nil) that it may.
func (k *Keyring) lack(apiKey string, action job.Action, access *job.ScopeError) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := k.Keys[apiKey]
	switch {
	case key == nil:
	case access == nil:
		delete(key.lacks, action)
	case key.lacks[action] == nil:
		key.lacks[action] = &lack{refusal: access, times: 1, tried: time.Now()}
	default:
		l := key.lacks[action]
		l.refusal, l.times, l.tried = access, l.times+1, time.Now()
	}
}

// A job is let through so often on a key that could not read what it pays for: a process
// that has nothing to read would never hear that it may by now. The first refusal may be a
// gateway's mistake.
const (
	firstTrial = 3 * time.Second
	lackTrial  = 30 * time.Second
)

// trial is when a job is let through next.
func (l *lack) trial() time.Time {
	if l.sure() {
		return l.tried.Add(lackTrial)
	}
	return l.tried.Add(firstTrial)
}

// surely is after how many refusals it is known to be no mistake.
const surely = 2

func (l *lack) sure() bool { return l.times >= surely }

// Unread is the wait for the right to read what a key pays for, where no key of its
// project has it; nil where there is nothing to wait for.
func (k *Keyring) Unread(apiKey string) *job.PostponedError {
	for _, action := range []job.Action{job.ReadRuns, job.ReadAssets} {
		if wait := k.unread(apiKey, action); wait != nil {
			return wait
		}
	}
	return nil
}

func (k *Keyring) unread(apiKey string, action job.Action) *job.PostponedError {
	if k.lacksNothing(apiKey, action) { // as nearly always, and it is asked for each job and key
		return nil
	}
	readers := k.readers(apiKey, action)
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(readers) == 0 {
		return nil
	}
	key := k.Keys[readers[0]] // those that may read come first
	l := key.lacks[action]
	if l == nil {
		return nil
	}
	if after := time.Until(l.trial()); after > 0 {
		return &job.PostponedError{After: after, Reason: job.WaitAccess, NeedsOperator: l.sure(), Detail: l.refusal.Error()}
	}
	l.tried = time.Now()
	return nil
}

func (k *Keyring) lacksNothing(apiKey string, action job.Action) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	key := k.Keys[apiKey]
	return key != nil && key.lacks[action] == nil
}
