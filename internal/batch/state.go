package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/plan"
)

// What a batch's folder holds beside its logs.
const (
	StateName  = "_nightshift/batch.json"
	PlanName   = "_nightshift/plan.jsonl"
	LockName   = "_nightshift/lock"
	QuotesName = "_nightshift/quotes.json"
)

// State is what one run of a batch tells the next.
type State struct {
	Batch string   `json:"batch"`
	Mode  job.Mode `json:"mode"`
	// Source is what the batch belongs to; zero where an earlier version made it.
	Source Source `json:"source,omitzero"`
	// Keys are the API keys that jobs of the batch were or may be sent with, by id.
	Keys    map[string]KeyOrigin `json:"keys"`
	Created time.Time            `json:"created"`
}

// ReadState returns the state that an earlier run left, or nil.
func ReadState(ctx context.Context, b bucket.Objects, batch string) (*State, error) {
	state := new(State)
	found, err := ReadJSON(ctx, b, batch+"/"+StateName, state)
	if err == nil && found && state.Mode == "" {
		err = fmt.Errorf("read %s: %w: it names no mode", b.Path(batch+"/"+StateName), job.ErrDamaged)
	}
	if errors.Is(err, job.ErrDamaged) {
		return nil, &job.HintedError{
			Err: err, Hint: "put back the file as it was, from a copy, or delete it: what is made is kept then, and it is found out with the keys of " +
				"the next run what is under way",
		}
	}
	if err != nil || !found {
		return nil, err
	}
	return state, nil
}

// LostState is what can be said of a batch that has logs and whose state is gone; nil where
// there are none. mode is that of the manifest. Results count all the same, or all of them
// would be paid again.
func LostState(ctx context.Context, b bucket.Objects, batch string, before *Submission, mode job.Mode) (*State, error) {
	state := &State{Batch: batch, Mode: mode, Keys: make(map[string]KeyOrigin)}
	if before != nil {
		state.Mode, state.Source = before.Mode, before.Source
	}
	for _, name := range []string{succeededName, failedName, attemptsName} {
		body, err := b.Open(ctx, objectKey(batch, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return state, body.Close()
	}
	return nil, nil
}

// WriteState replaces the state. The error is the bucket's.
func WriteState(ctx context.Context, b bucket.Objects, batch string, state *State) error {
	data, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	return b.Put(ctx, batch+"/"+StateName, bytes.NewReader(append(data, '\n')))
}

// Agree refuses to mix worlds in one folder: images of a test would count as made
// in a live batch, those of another API as made on this one.
func (s *State) Agree(mode job.Mode, hosts []string, folder string) error {
	var before []string
	for _, w := range s.Keys {
		before = append(before, w.API)
	}
	slices.Sort(before)
	before = slices.Compact(before)
	common := slices.ContainsFunc(before, func(host string) bool { return slices.Contains(hosts, host) })
	if s.Mode == mode && (mode == job.Test || common || len(before) == 0) {
		return nil
	}
	return &job.InputError{Err: &job.HintedError{
		Err: fmt.Errorf("%s holds a batch of mode %s made on %s; this run is of mode %s on %s",
			folder, s.Mode, strings.Join(before, ", "), mode, strings.Join(hosts, ", ")),
		Hint: "give the manifest another name, choose another --out, or move the folder away",
	}}
}

// OnBuiltIn reports whether all keys worked on the built-in simulator, which ends
// with its process.
func OnBuiltIn(keys map[string]KeyOrigin) bool {
	for _, w := range keys {
		if w.API != SimulatorHost {
			return false
		}
	}
	return len(keys) > 0
}

// WriteQuotes keeps the prices that a plan asked for.
func WriteQuotes(ctx context.Context, b bucket.Objects, batch string, quotes *plan.QuoteFile) error {
	var buffer bytes.Buffer
	if _, err := quotes.WriteTo(&buffer); err != nil {
		return err
	}
	return b.Put(ctx, batch+"/"+QuotesName, &buffer)
}

// WritePlan writes the jobs of a plan, one a line, and gives back what the plan has kept
// for that.
func WritePlan(ctx context.Context, b bucket.Objects, key string, p *plan.Plan) error {
	return errors.Join(b.Put(ctx, key, p.Lines()), p.Close())
}
