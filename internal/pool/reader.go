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

// Lacks notes what a key may not do.
func (k *Keyring) Lacks(apiKey string, missing []*job.ScopeError) {
	for _, access := range missing {
		k.lack(apiKey, access.Action, access)
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
	default:
		key.lacks[action], key.tried[action] = access, time.Now()
	}
}

// lackTrial is how often a job is let through on a key that could not read what it pays
// for: a process that has nothing to read would never hear that it may by now.
const lackTrial = 30 * time.Second

// Unread is what no key of a key's project may read of what it pays for; nil if there is
// nothing of the kind.
func (k *Keyring) Unread(apiKey string) *job.ScopeError {
	for _, action := range []job.Action{job.ReadRuns, job.ReadAssets} {
		if access := k.unread(apiKey, action); access != nil {
			return access
		}
	}
	return nil
}

func (k *Keyring) unread(apiKey string, action job.Action) *job.ScopeError {
	readers := k.readers(apiKey, action)
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(readers) == 0 {
		return nil
	}
	key := k.Keys[readers[0]] // those that may read come first
	if key.lacks[action] == nil || time.Since(key.tried[action]) < lackTrial {
		return key.lacks[action]
	}
	key.tried[action] = time.Now()
	return nil
}
