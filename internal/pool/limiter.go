package pool

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/backoff"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
)

// Limiter gives the runner admission: it knows the API keys, what they are counted in
// and what the limits are.
type Limiter struct {
	Admission *admission.Admission
	Keys      *Keyring
	Requests  int // a minute, of projects for which the keys file has no limit
	// Rules are those of a batch; zero where nothing is known of it.
	Rules func(batch string) BatchRules
	// Ceiling, if set, is what earlier processes have learned of a team; 0 for nothing.
	Ceiling func(team string) int
	// refused, if set, is called with a key that the API does not take any more.
	Refused func(apiKey string)

	sparesMu sync.Mutex
	spares   map[string]spareOf // by API key
}

// spareOf is what was free of a request rate.
type spareOf struct {
	part float64
	read time.Time
}

// spareKept is how long it is taken to be still so: it says how much hurry there is.
const spareKept = 500 * time.Millisecond

// BatchRules are what a manifest says about its batch.
type BatchRules struct {
	Name   string // by which the keys file may limit it
	Budget *job.CU
	Window *manifest.Window
	Paused string // why none of its jobs may start until a person acts; "" if they may
	Soon   string // why none may start for a moment; "" if they may
}

// Open reports whether jobs of the batch may start, but for its hours.
func (r BatchRules) Open() bool { return r.Paused == "" && r.Soon == "" }

// readShare is the most of the request rate that is kept for lists and asset reads
// while jobs are submitted. How much is needed shows in what they took lately.
const readShare = 0.15

// lostAgain is when to ask again while what Redis lost is being restored.
const lostAgain = time.Second

func limitsOf(l config.Limits, now time.Time) admission.Limits {
	limits := admission.Limits{
		RequestsPerMinute: l.RequestsPerMinute, Parallel: l.Parallel,
		CU:     admission.Caps{Total: l.CU.Total, Day: l.CU.Day, Month: l.CU.Month},
		Days:   starts(now, l.Calendar.Day),
		Months: starts(now, l.Calendar.Month),
	}
	if l.RequestsPerMinute > 0 {
		limits.ReadReserve = max(1, int(float64(l.RequestsPerMinute)*readShare))
	}
	return limits
}

// starts are those of the periods around now.
func starts(now time.Time, period func(time.Time) (start, end time.Time)) admission.Starts {
	start, end := period(now)
	before, _ := period(start.Add(-time.Nanosecond))
	return admission.Starts{before, start, end}
}

// Project are the limits of a project.
func (g *Limiter) Project(name string) config.Limits {
	project := g.Keys.Limits().Projects[name]
	if project.RequestsPerMinute == 0 {
		project.RequestsPerMinute = g.Requests
	}
	return project
}

// Candidate is a key with all limits around it.
func (g *Limiter) Candidate(key *Key, now time.Time) admission.Candidate {
	return admission.Candidate{
		{Kind: admission.Key, Name: key.ID, Limits: limitsOf(key.Limits, now)},
		{Kind: admission.Project, Name: key.Project, Limits: limitsOf(g.Project(key.Project), now)},
		{Kind: admission.Team, Name: key.Team, Limits: limitsOf(g.Keys.Limits().Teams[key.Team], now)},
	}
}

// Place is what a request with a key of the settings counts in; requests is the limit of
// projects for which the keys file has none.
func Place(rules *config.Keys, key config.APIKey, requests int) admission.Candidate {
	g := &Limiter{Keys: &Keyring{Rules: rules}, Requests: requests}
	return g.Candidate(&Key{APIKey: key}, time.Now())
}

// ofBatch are the limits of a batch: its manifest's budget, and the keys file's.
func (g *Limiter) ofBatch(batch string, now time.Time) admission.Limits {
	rules := g.Rules(batch)
	limits := limitsOf(g.Keys.Limits().Batches[rules.Name], now)
	if total := limits.CU.Total; rules.Budget != nil && (total == nil || *rules.Budget < *total) {
		limits.CU.Total = rules.Budget
	}
	return limits
}

// Account is what jobs of a key are counted in.
func (g *Limiter) Account(apiKey string) admission.Account {
	project, team := g.Keys.Account(apiKey)
	return admission.Account{APIKey: apiKey, Project: project, Team: team}
}

// Reserve takes a slot, a place in the request rate and CU for an attempt with one of the
// keys, none of avoid, and returns its id. after is how long to wait before sending. A
// limit that is reached is a [job.PostponedError]; a grant that another key has,
// [job.ErrOtherKey]; other errors are Redis'.
func (g *Limiter) Reserve(ctx context.Context, ref job.Ref, attempt int, quote job.CU, avoid []string) (string, time.Duration, error) {
	if err := g.open(ref.Batch); err != nil {
		return "", 0, err
	}
	now := time.Now()
	claim := admission.Claim{Ref: ref, Attempt: attempt, Amount: quote, Batch: g.ofBatch(ref.Batch, now)}
	var refused []string
	certain := true
	var unread *job.PostponedError
	for _, key := range g.Keys.Usable(avoid) {
		if key.refusals.stand() {
			refused = append(refused, key.ID)
			certain = certain && key.refusals.certain()
			continue
		}
		if wait := g.Keys.Unread(key.ID); wait != nil { // it would pay for what nobody can fetch
			unread = wait
			continue
		}
		claim.Candidates = append(claim.Candidates, g.Candidate(key, now))
	}
	if len(claim.Candidates) == 0 {
		return "", 0, noKey(refused, certain, unread)
	}
	grant, err := g.Admission.Reserve(ctx, claim)
	if _, elsewhere := errors.AsType[*admission.GrantedElsewhereError](err); elsewhere {
		return "", 0, errors.Join(err, job.ErrOtherKey)
	}
	if errors.Is(err, admission.ErrLost) {
		return "", 0, &job.PostponedError{After: lostAgain, Reason: job.WaitRecovery, Detail: "Redis lost what was counted"}
	}
	if wait, postponed := errors.AsType[*job.PostponedError](err); postponed && wait.NeedsOperator {
		wait.After = min(wait.After, keyAgain) // what a person does is not heard of by all
	}
	return grant.APIKey, grant.After, err
}

// Granted reports whether an attempt holds a grant; see runner.Admission.
func (g *Limiter) Granted(ctx context.Context, ref job.Ref, attempt int) (bool, error) {
	return g.Admission.Granted(ctx, ref, attempt)
}

// keyAgain is when to look again for an API key; a change of the keys file is heard
// of earlier.
const keyAgain = 30 * time.Second

// noKey is the wait of a job that no API key may run: those that were refused, for certain
// or for the moment, and those that pay for what none may read, are left out.
func noKey(refused []string, certain bool, unread *job.PostponedError) *job.PostponedError {
	if unread != nil {
		return unread
	}
	if len(refused) > 0 {
		return &job.PostponedError{
			After: refusalTrial, Reason: job.WaitQuarantine, NeedsOperator: certain,
			Detail: "the API refused key " + strings.Join(refused, " and key ") + " or its secret",
		}
	}
	return &job.PostponedError{After: keyAgain, Reason: job.WaitNoKey, NeedsOperator: true, Detail: "no API key of the pool may run the job"}
}

// pausedAgain is when jobs of a paused batch ask again; a batch that goes on wakes
// them earlier.
const pausedAgain = 30 * time.Second

// open postpones the jobs of a batch that is paused, and those of one that may start
// them at other hours.
func (g *Limiter) open(batch string) error {
	rules := g.Rules(batch)
	if rules.Paused != "" {
		return &job.PostponedError{After: pausedAgain, Reason: job.WaitPaused, NeedsOperator: true, Detail: rules.Paused}
	}
	if rules.Soon != "" { // nothing that anybody waits for
		return &job.PostponedError{After: pausedAgain, Detail: rules.Soon}
	}
	window := rules.Window
	if window == nil {
		return nil
	}
	now := time.Now()
	next := window.Next(now)
	if !next.After(now) {
		return nil
	}
	return &job.PostponedError{After: next.Sub(now), Reason: job.WaitWindow, Detail: "it is " + window.String()}
}

// Closed reports whether no job of the batch may start now, whatever the limits.
func (g *Limiter) Closed(batch string) bool { return g.open(batch) != nil }

// Adopt counts an attempt that was granted before Redis was emptied. charged is when its CU
// count; zero for now.
func (g *Limiter) Adopt(ctx context.Context, ref job.Ref, attempt int, amount job.CU, apiKey string, charged time.Time) error {
	return g.Admission.Adopt(ctx, ref, attempt, g.Account(apiKey), amount, charged)
}

// Others reports whether any usable key is none of avoid.
func (g *Limiter) Others(avoid []string) bool {
	return slices.ContainsFunc(g.Keys.Usable(avoid), func(key *Key) bool { return !key.refusals.stand() })
}

// Request takes a place in the request rate of a key, for what is not a submission. A rate
// that is used up is a [job.PostponedError].
func (g *Limiter) Request(ctx context.Context, apiKey string) error {
	key := g.Keys.Find(apiKey)
	if key == nil {
		return unknownKey(apiKey)
	}
	return g.Admission.Request(ctx, g.Candidate(key, time.Now()))
}

// Free gives back the slots of attempts whose runs have ended; their CU stay reserved until
// they are settled.
func (g *Limiter) Free(ctx context.Context, ended []*job.Record) error {
	attempts := make([]admission.Attempt, len(ended))
	for i, rec := range ended {
		attempts[i] = admission.Attempt{Ref: rec.Ref, Attempt: rec.Attempt, In: g.Account(rec.APIKey)}
	}
	return g.Admission.Free(ctx, attempts...)
}

// Settle counts a bill even if its reservation was lost with Redis: that may count
// one twice that was settled long ago, which is the safe side of a cap.
func (g *Limiter) Settle(ctx context.Context, ref job.Ref, attempt int, apiKey string, billed, refunded job.CU) error {
	in := g.Account(apiKey)
	err := g.Admission.Settle(ctx, ref, attempt, in, billed, refunded)
	if !errors.Is(err, admission.ErrNoGrant) {
		return err
	}
	if err := g.Admission.Adopt(ctx, ref, attempt, in, billed, time.Time{}); err != nil {
		return err
	}
	return g.Admission.Settle(ctx, ref, attempt, in, billed, refunded)
}

// Release gives back all that an attempt has reserved, because it was never accepted.
func (g *Limiter) Release(ctx context.Context, ref job.Ref, attempt int, apiKey string) error {
	return g.Admission.Release(ctx, ref, attempt, g.Account(apiKey))
}

// Hold lets a key, or its whole team, rest for a time.
func (g *Limiter) Hold(ctx context.Context, apiKey string, reason job.WaitReason, team bool, d time.Duration) error {
	return g.Admission.Cooldown(ctx, g.Account(apiKey), reason, team, d)
}

// LearnCeiling notes how many jobs of a key's team the provider lets run at once.
func (g *Limiter) LearnCeiling(ctx context.Context, apiKey string, ceiling int) error {
	return g.Admission.LearnCeiling(ctx, g.Account(apiKey), ceiling)
}

// Spare is the smaller of what key and project have left.
func (g *Limiter) Spare(ctx context.Context, apiKey string) (float64, error) {
	g.sparesMu.Lock()
	known := g.spares[apiKey]
	g.sparesMu.Unlock()
	if time.Since(known.read) < spareKept {
		return known.part, nil
	}
	part, err := g.readSpare(ctx, apiKey) // nobody waits for Redis behind who asks it
	if err != nil {
		return 0, err
	}
	g.sparesMu.Lock()
	defer g.sparesMu.Unlock()
	if g.spares == nil {
		g.spares = make(map[string]spareOf)
	}
	g.spares[apiKey] = spareOf{part, time.Now()}
	return part, nil
}

func (g *Limiter) readSpare(ctx context.Context, apiKey string) (float64, error) {
	key := g.Keys.Find(apiKey)
	if key == nil {
		return 0, unknownKey(apiKey)
	}
	candidate := g.Candidate(key, time.Now())
	usage, err := g.Admission.Usage(ctx, candidate...)
	least := 1.0
	for _, scope := range candidate {
		least = min(least, spare(usage[scope.Kind].RequestsLeft, scope.Limits))
	}
	return least, err
}

func spare(left int, l admission.Limits) float64 {
	if left < 0 || l.RequestsPerMinute == 0 {
		return 1
	}
	return float64(left) / float64(l.RequestsPerMinute)
}

// Pace waits for a place in the request rate of the key that asks for models and
// prices.
func (g *Limiter) Pace(ctx context.Context) error {
	key := g.Keys.first()
	if key == "" {
		return nil // the call itself says what is wrong
	}
	return g.PaceKey(ctx, key)
}

// PaceKey waits for a place in the request rate of a key.
func (g *Limiter) PaceKey(ctx context.Context, apiKey string) error {
	return backoff.UntilGranted(ctx, func(ctx context.Context) error { return g.Request(ctx, apiKey) })
}
