package telemetry

import (
	"time"

	"nightshift/internal/job"
)

// Status is how things stand at one moment. Redis holds most of it, so that every
// worker of one Redis tells the same; Bucket, Recovering and a lane's Blocked and
// Waited are what this process alone knows.
type Status struct {
	Bucket     Flag // whether the bucket answers
	Recovering Flag // whether Redis lost state that is being restored
	Lanes      []Lane
	Batches    map[string]int // by [BatchActive] and so on
	Keys       []Key
	Caps       []Cap
}

// Lane is the queue of one key pool in one mode.
type Lane struct {
	Name      string            // "<pool>/<mode>"
	Jobs      map[job.State]int // unfinished jobs; states in which a job is over are left out
	Useful    int               // jobs that the limits would let run now if there were workers for them
	Questions int               // lost replies that wait for a person

	Blocked job.WaitReason // what the lane waits for; "" while it goes on
	// Waited is how long it has stood still since the process began, by reason. A
	// total that falls started again.
	Waited map[job.WaitReason]time.Duration
}

// Key is an API key.
type Key struct {
	ID           string
	State        string // one of Lists.KeyStates
	RequestsLeft int    // in this minute; below 0 there is no limit
	Running      int
	Ceiling      int // how many may run; 0 is not known
}

// Cap is a limit on CU.
type Cap struct {
	Scope  string // "key", "project", "team" or "batch"
	Name   string // of the key, project, team or batch, from the keys file
	Period string // "total", "day" or "month"
	Used   job.CU // spent and reserved
	Limit  job.CU
}

// Flag is a yes or no that may not be known; what is not known is not shown.
type Flag int8

// The flags.
const (
	NotKnown Flag = iota
	No
	Yes
)

// FlagOf is Yes or No.
func FlagOf(yes bool) Flag {
	if yes {
		return Yes
	}
	return No
}
