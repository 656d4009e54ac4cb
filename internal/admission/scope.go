package admission

import (
	"errors"
	"slices"
	"time"

	"nightshift/internal/job"
)

// Kind is what sort of thing a scope is.
type Kind string

// The kinds of scopes.
const (
	Key     Kind = "key"
	Project Kind = "project"
	Team    Kind = "team"
	Batch   Kind = "batch"
)

// kinds are all of them, each within the next: what is counted of one, in the order
// of scope.lua, its name in an Account (the batch is named by the attempt), and how
// a wait for its CU is told. A further kind is an entry here and one there.
var kinds = []kindOfScope{
	{Key, []string{"rate", "slots", "cu", "hold"}, func(a *Account) *string { return &a.APIKey }, job.WaitKeyCU, "cap"},
	{Project, []string{"rate", "cu", "hold"}, func(a *Account) *string { return &a.Project }, job.WaitProjectCU, "cap"},
	{Team, []string{"slots", "ceiling", "cu", "hold"}, func(a *Account) *string { return &a.Team }, job.WaitTeamCU, "cap"},
	{Batch, []string{"cu"}, nil, job.WaitBatchCU, "budget"},
}

type kindOfScope struct {
	kind    Kind
	counted []string
	in      func(*Account) *string
	waitCU  job.WaitReason
	cap     string
}

func kindOf(kind Kind) kindOfScope {
	return kinds[slices.IndexFunc(kinds, func(k kindOfScope) bool { return k.kind == kind })]
}

// Scope is what requests, running jobs and CU are counted in, and its limits. An
// empty name is a name like any other: keys without a team are counted together,
// which is the safe side.
type Scope struct {
	Kind   Kind
	Name   string
	Limits Limits
}

// scopeName tells a scope from all others.
type scopeName struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
}

// String names a scope for people.
func (s scopeName) String() string {
	if s.Name == "" {
		return "the " + string(s.Kind)
	}
	return string(s.Kind) + " " + s.Name
}

// Candidate is an API key that a job may be sent with: its own scope, of kind
// [Key], then those around it, each within the next.
type Candidate []Scope

// Of returns the limits of the scope of a kind.
func (c Candidate) Of(kind Kind) (l Limits) {
	for _, s := range c {
		if s.Kind == kind {
			l = s.Limits
		}
	}
	return l
}

func (c Candidate) validate() error {
	if len(c) == 0 || c[0].Kind != Key {
		return errors.New("no API key is a candidate")
	}
	for _, s := range c {
		if err := s.Limits.validate(); err != nil {
			return err
		}
	}
	return nil
}

// Account names an API key and what it belongs to: what a grant is counted in.
type Account struct{ APIKey, Project, Team string }

// scopes are those of an account, without limits.
func (a Account) scopes() []Scope {
	var scopes []Scope
	for _, k := range kinds {
		if k.in != nil {
			scopes = append(scopes, Scope{Kind: k.kind, Name: *k.in(&a)})
		}
	}
	return scopes
}

// accountOf is the account of scopes.
func accountOf(scopes []Scope) (a Account) {
	for _, s := range scopes {
		if in := kindOf(s.Kind).in; in != nil {
			*in(&a) = s.Name
		}
	}
	return a
}

// askedScope is a scope as scope.lua reads it.
type askedScope struct {
	scopeName
	Limits int `json:"limits"` // number of askedLimits
}

// askedLimits are limits as scope.lua reads them; a cap of -1 is none.
type askedLimits struct {
	Requests int   `json:"requests,omitempty"`
	Reads    int   `json:"reads,omitempty"`
	Parallel int   `json:"parallel,omitempty"`
	Total    int64 `json:"total"`
	Day      int64 `json:"day"`
	Month    int64 `json:"month"`
	Days     int   `json:"days"` // numbers of periods
	Months   int   `json:"months"`
}

// scopeList is the scopes that a script is asked for, each once, and the size of the
// window of requests. Limits and periods that several have in common are told once.
type scopeList struct {
	Scopes  []askedScope  `json:"scopes"`
	Limits  []askedLimits `json:"limits"`
	Periods [][3]int64    `json:"periods"` // starts, in milliseconds
	Bucket  int64         `json:"bucket"`
	Buckets int           `json:"buckets"`

	keys    []string // of Redis
	numbers map[scopeName]int
	now     time.Time
}

func (a *Admission) list(scopes ...Scope) *scopeList {
	l := &scopeList{Bucket: a.window.bucket.Milliseconds(), Buckets: a.window.buckets, numbers: make(map[scopeName]int), now: time.Now()}
	for _, s := range scopes {
		l.add(a.keys, s)
	}
	return l
}

// add lists a scope, unless it is there already, and returns its number.
func (l *scopeList) add(k keys, s Scope) int {
	name := scopeName{s.Kind, s.Name}
	if number, listed := l.numbers[name]; listed {
		return number
	}
	days, months := s.Limits.Days, s.Limits.Months
	if days == (Starts{}) {
		days = utcDays(l.now)
	}
	if months == (Starts{}) {
		months = utcMonths(l.now)
	}
	limits := askedLimits{
		Requests: s.Limits.RequestsPerMinute, Reads: s.Limits.ReadReserve, Parallel: s.Limits.Parallel,
		Total: capNumber(s.Limits.CU.Total), Day: capNumber(s.Limits.CU.Day), Month: capNumber(s.Limits.CU.Month),
		Days: numberIn(&l.Periods, days.milliseconds()), Months: numberIn(&l.Periods, months.milliseconds()),
	}
	l.Scopes = append(l.Scopes, askedScope{name, numberIn(&l.Limits, limits)})
	for _, what := range kindOf(s.Kind).counted {
		l.keys = append(l.keys, k.counter(what, s.Kind, s.Name))
	}
	l.numbers[name] = len(l.Scopes)
	return len(l.Scopes)
}

// numberIn is the number of something in a list, to which it is added if need be.
func numberIn[T comparable](list *[]T, of T) int {
	if i := slices.Index(*list, of); i >= 0 {
		return i + 1
	}
	*list = append(*list, of)
	return len(*list)
}
