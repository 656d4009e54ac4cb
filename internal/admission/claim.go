package admission

import (
	"errors"
	"fmt"
	"time"

	"nightshift/internal/job"
)

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
	for _, candidate := range c.Candidates {
		if err := candidate.validate(); err != nil {
			return err
		}
	}
	return c.Batch.validate()
}

// claimed is a Claim as reserve.lua reads it.
type claimed struct {
	*scopeList
	Life       string  `json:"life"`
	Owner      string  `json:"owner"`
	Amount     int64   `json:"amount"`
	Poll       int64   `json:"poll"`
	Stuck      int64   `json:"stuck"`
	Ahead      int64   `json:"ahead"`
	Candidates [][]int `json:"candidates"` // numbers of scopes
}

// claimed lists each scope once, however many candidates share it.
func (a *Admission) claimed(c Claim) claimed {
	list, candidates := a.list(), make([][]int, len(c.Candidates))
	for i, candidate := range c.Candidates {
		for _, s := range candidate {
			candidates[i] = append(candidates[i], list.add(a.keys, s))
		}
		candidates[i] = append(candidates[i], list.add(a.keys, Scope{Batch, c.Ref.Batch, c.Batch}))
	}
	return claimed{
		scopeList: list, Life: a.life.token(), Owner: owner(c.Ref, c.Attempt), Amount: int64(c.Amount), Poll: pollAfter.Milliseconds(),
		Stuck: stuckAfter.Milliseconds(), Ahead: mostAhead.Milliseconds(), Candidates: candidates,
	}
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
