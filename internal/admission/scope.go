package admission

import (
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

// kinds are all of them, each within the next. A further kind is an entry here and
// one in scope.lua.
var kinds = []kindOfScope{
	{Key, []string{"rate", "slots", "cu", "hold"}, func(a *Account) string { return a.APIKey }, job.WaitKeyCU, "cap"},
	{Project, []string{"rate", "cu", "hold"}, func(a *Account) string { return a.Project }, job.WaitProjectCU, "cap"},
	{Team, []string{"slots", "ceiling", "cu", "hold"}, func(a *Account) string { return a.Team }, job.WaitTeamCU, "cap"},
	{Batch, []string{"cu", "hold"}, nil, job.WaitBatchCU, "budget"},
}

type kindOfScope struct {
	kind    Kind
	counted []string              // what is counted of one, in the order of scope.lua
	in      func(*Account) string // its name; the batch is named by the attempt
	waitCU  job.WaitReason
	cap     string // what people call a cap of its CU
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

// String names a scope for people.
func (s Scope) String() string {
	if s.Name == "" {
		return "the " + string(s.Kind)
	}
	return string(s.Kind) + " " + s.Name
}

// Candidate is an API key that a job may be sent with: its own scope, of kind
// [Key], then those around it, each within the next.
type Candidate []Scope

// Account names an API key and what it belongs to: what a grant is counted in.
type Account struct{ APIKey, Project, Team string }

// scopes are those of an account, without limits.
func (a Account) scopes() (scopes []Scope) {
	for _, k := range kinds {
		if k.in != nil {
			scopes = append(scopes, Scope{Kind: k.kind, Name: k.in(&a)})
		}
	}
	return scopes
}

// askedScopes and askedLimits are what scope.lua reads. Limits, Days and Months are
// numbers in lists of an ask; a cap of -1 is none.
type (
	askedScopes struct {
		Kinds  []Kind   `json:"kinds"`
		Names  []string `json:"names"`
		Limits []int    `json:"limits"`
	}
	askedLimits struct {
		Requests int   `json:"requests,omitempty"`
		Reads    int   `json:"reads,omitempty"`
		Parallel int   `json:"parallel,omitempty"`
		Total    int64 `json:"total"`
		Day      int64 `json:"day"`
		Month    int64 `json:"month"`
		Days     int   `json:"days"`
		Months   int   `json:"months"`
	}
)

// ask is what a script is asked; each takes of it what its head says. Scopes, limits
// and periods are told once, however many have them in common.
type ask struct {
	Epoch      string        `json:"epoch"`
	Bucket     int64         `json:"bucket"`
	Buckets    int           `json:"buckets"`
	Periods    [][3]int64    `json:"periods,omitempty"`
	Limits     []askedLimits `json:"limits,omitempty"`
	Scopes     askedScopes   `json:"scopes"`
	Candidates [][]int       `json:"candidates,omitempty"` // numbers of scopes
	Owner      string        `json:"owner,omitempty"`
	Amount     int64         `json:"amount"`
	Change     string        `json:"change,omitempty"`
	Grants     []change      `json:"grants,omitempty"`

	keys    []string // of Redis, of the scopes
	numbers map[[2]string]int
	now     time.Time
}

func (a *Admission) newAsk(scopes ...Scope) *ask {
	q := &ask{
		Epoch: a.epoch.token(), Bucket: a.window.bucket.Milliseconds(), Buckets: a.window.buckets, now: time.Now(), numbers: make(map[[2]string]int),
	}
	for _, s := range scopes {
		q.add(a.keys, s)
	}
	return q
}

// add adds a scope, unless it is there already, and returns its number.
func (q *ask) add(k keys, s Scope) int {
	name := [2]string{string(s.Kind), s.Name}
	if number, added := q.numbers[name]; added {
		return number
	}
	l := s.Limits
	limits := askedLimits{
		Requests: l.RequestsPerMinute, Reads: l.ReadReserve, Parallel: l.Parallel,
		Total: capNumber(l.CU.Total), Day: capNumber(l.CU.Day), Month: capNumber(l.CU.Month),
		Days: numberIn(&q.Periods, l.Days.milliseconds(q.now, utcDays)), Months: numberIn(&q.Periods, l.Months.milliseconds(q.now, utcMonths)),
	}
	q.Scopes.Kinds, q.Scopes.Names = append(q.Scopes.Kinds, s.Kind), append(q.Scopes.Names, s.Name)
	q.Scopes.Limits = append(q.Scopes.Limits, numberIn(&q.Limits, limits))
	for _, what := range kindOf(s.Kind).counted {
		q.keys = append(q.keys, k.counter(what, s.Kind, s.Name))
	}
	q.numbers[name] = len(q.Scopes.Kinds)
	return len(q.Scopes.Kinds)
}

// numberIn is the number of something in a list, to which it is added if need be.
func numberIn[T comparable](list *[]T, of T) int {
	if i := slices.Index(*list, of); i >= 0 {
		return i + 1
	}
	*list = append(*list, of)
	return len(*list)
}
