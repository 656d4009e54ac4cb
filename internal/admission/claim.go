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

func (c Candidate) validate() error {
	if len(c) == 0 || c[0].Kind != Key {
		return errors.New("a candidate is no API key")
	}
	for _, s := range c {
		if err := s.Limits.validate(); err != nil {
			return err
		}
	}
	return nil
}

// Grant is what a Claim was given.
type Grant struct {
	APIKey string // to send with
	Amount job.CU // reserved
	// After is how long to wait before sending: the place in the request rate is
	// reserved for then.
	After time.Duration
	// Again says that the grant was live already and nothing was taken now. Its
	// place in the request rate may have gone by: take one with Request before
	// sending.
	Again bool
}
