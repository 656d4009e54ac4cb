package job

import "time"

// Headroom is what caps leave for jobs that are not sent yet: a cap alone, or those of
// several API keys together.
type Headroom struct {
	Left CU `json:"left"`
	// Renews is when the next day or month begins, with Each in it and lasting Period; zero
	// where none does.
	Renews time.Time     `json:"renews,omitzero"`
	Each   CU            `json:"each,omitempty"`
	Period time.Duration `json:"period,omitempty"`
}
