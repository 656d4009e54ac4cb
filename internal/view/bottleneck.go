package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/pool"
	"nightshift/internal/progress"
	"nightshift/internal/text"
	"nightshift/internal/wait"
)

// bottleneck is what decides how fast a batch goes on, with a sentence on what would
// make it faster. The kinds that are no [job.WaitReason] are below.
type bottleneck struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

const (
	limitNothing = "nothing"
	limitWorkers = "workers"
	limitCU      = "cu" // any cap of CU
)

// limitFacts are what a bottleneck follows from.
type limitFacts struct {
	// What the batch itself waits for, "" if nothing: paused, or outside its window.
	own       job.WaitReason
	ownUntil  time.Time
	ownDetail string

	workers int // that live and run the lane
	// Blocked is how many seconds the lane stood still by reason, of those that the
	// workers have looked back on, added up over all of them.
	blocked  map[job.WaitReason]float64
	observed float64
	// What the lane waits for at this moment.
	wait       job.WaitReason
	waitUntil  time.Time
	waitDetail string

	submitting, submitSlots int
	storing, storeSlots     int

	queued, running, stored int // jobs: not sent, at the provider, being stored
	held                    int // jobs that wait for an image of another row
	keys                    []pool.KeyStatus
	orphans                 orphans // slots in which nothing runs
	unwatched               bool    // nobody asks the provider what runs
}

// blockedShare is how much of the time a lane must stand still for a reason before
// that is what limits it.
const blockedShare = 0.5

// storeWaits are what the images of runs that have ended wait for.
var storeWaits = []job.WaitReason{job.WaitStorage, job.WaitAsset, job.WaitLinkHost, job.WaitAccess}

// sentWaits are what jobs wait for that are sent.
var sentWaits = []job.WaitReason{job.WaitUnknown, job.WaitDecision, job.WaitStatus, job.WaitRequestRate}

// limit is what limits a batch. What waits for an image of another row waits for what that row
// waits for.
func limit(f limitFacts) bottleneck {
	b := f.limit()
	switch {
	case f.held == 0 || b.Kind == string(job.WaitNeed):
		return b
	case b.Kind != limitNothing:
		b.Text += "; " + progress.WaitForImage(f.held)
		return b
	}
	return bottleneck{string(job.WaitNeed), progress.WaitForImage(f.held) + f.under()}
}

// under says how far the jobs are that are sent.
func (f *limitFacts) under() string {
	var parts []string
	for _, part := range []struct {
		n    int
		what string
	}{{f.queued, "to be sent"}, {f.running, "at the provider"}, {f.stored, "being stored"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	return text.Brackets(strings.Join(parts, ", "))
}

func (f *limitFacts) limit() bottleneck {
	switch {
	case f.own != "":
		return bottleneck{string(f.own), wait.Of(f.own).Sentence(f.ownDetail, f.ownUntil)}
	case f.queued+f.held+f.running+f.stored == 0:
		return bottleneck{limitNothing, "nothing is left to do"}
	case f.workers == 0:
		return bottleneck{limitWorkers, "no worker runs; start one"}
	case f.orphans.total() > 0 && f.queued > 0:
		return bottleneck{string(job.WaitRecovery), f.orphans.words()}
	case f.unwatched:
		return bottleneck{string(job.WaitRecovery), unwatchedWords}
	case slices.Contains(storeWaits, f.wait): // it fills the slots, and more of them would not help
		return f.blockedBy(f.wait)
	}
	if reason := f.mostBlocked(); reason != "" && f.queued > 0 && !(reason == job.WaitParallel && f.wait != reason && f.hasFree()) {
		return f.blockedBy(reason)
	}
	switch {
	case f.storeSlots > 0 && f.storing >= f.storeSlots:
		return bottleneck{limitWorkers, fmt.Sprintf("more workers would help: all %d store slots of %s are busy", f.storeSlots, text.Count(f.workers, "worker"))}
	case f.queued == 0 && slices.Contains(sentWaits, f.wait):
		return f.blockedBy(f.wait)
	case f.queued == 0:
		return bottleneck{limitNothing, fmt.Sprintf("nothing: all jobs are sent, %d run at the provider and %d are being stored", f.running, f.stored)}
	}
	if full := f.fullKeys(); full != "" { // the slots are busy with waiting then
		return bottleneck{string(job.WaitParallel), "adding workers will not help: " + full}
	}
	if f.submitSlots > 0 && f.submitting >= f.submitSlots {
		return bottleneck{limitWorkers, fmt.Sprintf("more workers would help: all %d submit slots of %s are busy", f.submitSlots, text.Count(f.workers, "worker"))}
	}
	if f.wait != "" {
		return f.blockedBy(f.wait)
	}
	return bottleneck{limitNothing, "nothing holds it up"}
}

// hasFree reports whether a key has a free slot now, whatever was so in the last minute.
func (f *limitFacts) hasFree() bool {
	return slices.ContainsFunc(f.keys, func(k pool.KeyStatus) bool { return k.Ceiling > 0 && k.Running < k.Ceiling })
}

// mostBlocked is the reason for which the lane stood still most of the time, "" if it
// went on most of the time.
func (f *limitFacts) mostBlocked() job.WaitReason {
	var most job.WaitReason
	sum := 0.0
	for _, reason := range slices.Sorted(maps.Keys(f.blocked)) {
		sum += f.blocked[reason]
		if most == "" || f.blocked[reason] > f.blocked[most] {
			most = reason
		}
	}
	if f.observed <= 0 || sum < blockedShare*f.observed {
		return ""
	}
	return most
}

// blockedBy is the bottleneck of a lane that stands still for a reason.
func (f *limitFacts) blockedBy(reason job.WaitReason) bottleneck {
	detail := ""
	if f.wait == reason {
		detail = f.waitDetail
	}
	switch {
	case reason == job.WaitParallel:
		full := f.fullKeys()
		if full == "" {
			full = "the ceiling of running jobs is full" + text.Brackets(detail)
		}
		return bottleneck{string(reason), "adding workers will not help: " + full}
	case reason == job.WaitRequestRate:
		return bottleneck{string(reason), "adding workers will not help: the request rate is used up" + f.rates() + text.Brackets(detail)}
	case wait.ForCU(reason):
		return bottleneck{limitCU, "adding workers will not help: a cap of CU is reached" + text.Brackets(detail)}
	}
	var until time.Time
	if f.wait == reason {
		until = f.waitUntil
	}
	return bottleneck{string(reason), wait.Of(reason).Sentence(detail, until)}
}

// fullKeys says which ceilings are full, if all that are known are.
func (f *limitFacts) fullKeys() string {
	type team struct{ running, ceiling int }
	teams := make(map[string]team)
	for _, key := range f.keys {
		switch {
		case key.Ceiling == 0:
			return ""
		case key.Running < key.Ceiling:
			return ""
		}
		teams[key.Team] = team{key.Running, key.Ceiling}
	}
	switch len(teams) {
	case 0:
		return ""
	case 1:
		for name, t := range teams {
			return fmt.Sprintf("%s ceiling of %d is full (%d run)", teamWords(name), t.ceiling, t.running)
		}
	}
	running, ceiling := 0, 0
	for _, t := range teams {
		running, ceiling = running+t.running, ceiling+t.ceiling
	}
	return fmt.Sprintf("the ceilings of all %d teams, %d together, are full (%d run)", len(teams), ceiling, running)
}

func teamWords(name string) string {
	if name == "" {
		return "the team's"
	}
	return "team " + name + "'s"
}

// rates says how many requests a minute there are.
func (f *limitFacts) rates() string {
	projects, most := make(map[string]bool), 0
	for _, key := range f.keys {
		if !projects[key.Project] {
			projects[key.Project] = true
			most += key.RequestsMost
		}
	}
	if most == 0 {
		return ""
	}
	return fmt.Sprintf(", %d a minute", most)
}
