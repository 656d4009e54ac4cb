package admission

import (
	"errors"
	"fmt"
	"time"

	"nightshift/internal/job"
)

// Account names what a grant is counted in. An empty name is a name like any
// other: keys without a team are counted together, which is the safe side.
type Account struct {
	APIKey  string
	Project string // requests are counted by it
	Team    string // running jobs are counted by it
}

// Candidate is an API key that a job may be sent with, and its limits.
type Candidate struct {
	Account            Account
	Key, Project, Team Limits
}

// Claim asks for what one submission needs, on any of the candidates.
type Claim struct {
	Ref        job.Ref
	Attempt    int
	Amount     job.CU // the quoted price
	Batch      Limits // only CU count
	Candidates []Candidate
}

func (c Claim) validate() error {
	if c.Amount < 0 {
		return fmt.Errorf("amount of %s CU is negative", c.Amount)
	}
	if len(c.Candidates) == 0 {
		return errors.New("no API key is a candidate")
	}
	limits := []Limits{c.Batch}
	for _, candidate := range c.Candidates {
		limits = append(limits, candidate.Key, candidate.Project, candidate.Team)
	}
	for _, l := range limits {
		if err := l.validate(); err != nil {
			return err
		}
	}
	return nil
}

// keysOf are a candidate's keys in the order of reserve.lua and usage.lua.
func (k keys) keysOf(a Account) []string {
	return []string{
		k.rate(keyScope, a.APIKey), k.slots(keyScope, a.APIKey), k.cu(keyScope, a.APIKey), k.hold(keyScope, a.APIKey),
		k.rate(projectScope, a.Project), k.cu(projectScope, a.Project), k.hold(projectScope, a.Project),
		k.slots(teamScope, a.Team), k.ceiling(a.Team), k.cu(teamScope, a.Team), k.hold(teamScope, a.Team),
	}
}

// numbers are a candidate's limits in the same order.
func (c Candidate) numbers(now time.Time) []any {
	var numbers []any
	for _, l := range []Limits{c.Key, c.Project, c.Team} {
		numbers = append(numbers, l.numbers(now)...)
	}
	return numbers
}

// Grant is what a Claim was given.
type Grant struct {
	// Account is what the grant is counted in: its key is the one to send with.
	Account Account
	Amount  job.CU // reserved
	// After is how long to wait before sending: the place in the request rate is
	// reserved for then.
	After time.Duration
	// Again says that the grant was live already and nothing was taken now. Its
	// place in the request rate may have gone by: take one with Request before
	// sending.
	Again bool
}
