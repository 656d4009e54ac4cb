package simulator

import (
	"maps"
	"time"

	"nightshift/internal/job"
)

// Entry is one accepted generation in the ledger. Charge and Refund are what was
// really paid and given back, whatever the job's own record shows.
type Entry struct {
	JobID    string     `json:"jobId"`
	Key      string     `json:"key"`    // name of the key that paid
	Author   string     `json:"author"` // its id, the authorId of the job
	Team     string     `json:"team"`
	Project  string     `json:"project"`
	Mode     job.Mode   `json:"mode"`
	Model    string     `json:"model"`
	Input    job.Inputs `json:"input"` // as sent
	Quoted   job.CU     `json:"quoted"`
	Charge   job.CU     `json:"charge"`
	Refund   job.CU     `json:"refund"` // 0 until the job has ended
	Status   string     `json:"status"`
	Accepted time.Time  `json:"accepted"`
	Ended    time.Time  `json:"ended,omitzero"` // zero while it runs
	Assets   []string   `json:"assets,omitempty"`
	// LostReply names the fault that took the answer to the submission.
	LostReply FaultKind `json:"lostReply,omitempty"`
}

// Totals sum up the ledger.
type Totals struct {
	Accepted  int    `json:"accepted"`
	Running   int    `json:"running"`
	Succeeded int    `json:"succeeded"`
	Failed    int    `json:"failed"` // canceled ones included
	Images    int    `json:"images"`
	Uploads   int    `json:"uploads,omitempty"` // that became assets, deleted ones included
	Charged   job.CU `json:"charged"`
	Refunded  job.CU `json:"refunded"`
	Paid      job.CU `json:"paid"` // charged without refunded
	// Requests counts answered API calls by route, refusals for content
	// included; RateLimited those refused for their rate.
	Requests    map[string]int64 `json:"requests"`
	RateLimited int64            `json:"rateLimited"`
	// PeakRunning is, by team, the most jobs that ran at one moment; PeakRequests,
	// by project, the most answered API calls that any 60 seconds held.
	PeakRunning  map[string]int `json:"peakRunning"`
	PeakRequests map[string]int `json:"peakRequests"`
}

// Ledger returns every accepted generation in the order of acceptance.
func (s *Simulator) Ledger() []Entry {
	now := time.Now()
	runs := s.book.all()
	entries := make([]Entry, len(runs))
	for i, run := range runs {
		entries[i] = run.entry(now)
	}
	return entries
}

// Totals returns the sums of the ledger.
func (s *Simulator) Totals() Totals {
	now := time.Now()
	var totals Totals
	for _, run := range s.book.all() {
		totals.add(run, now)
	}
	totals.Paid = totals.Charged - totals.Refunded
	s.book.countInto(&totals, now)
	return totals
}

func (t *Totals) add(r *run, now time.Time) {
	t.Accepted++
	t.Charged += r.charge.total()
	switch {
	case !r.ended(now):
		t.Running++
	case r.ending.status == statusSuccess:
		t.Succeeded++
		t.Images += len(r.assets)
	default:
		t.Failed++
		t.Refunded += r.refund()
	}
}

func (r *run) entry(now time.Time) Entry {
	entry := Entry{
		JobID: r.id, Key: r.key.Key, Author: r.key.ID, Team: r.key.Team, Project: r.key.Project, Mode: r.key.Mode,
		Model: r.model.ID, Input: maps.Clone(r.input), Quoted: r.quoted.total(), Charge: r.charge.total(),
		Status: r.status(now), Accepted: r.accepted, LostReply: r.fault,
	}
	if !r.ended(now) {
		return entry
	}
	entry.Ended, entry.Refund = r.ends(), r.refund()
	for _, asset := range r.assets {
		entry.Assets = append(entry.Assets, asset.id)
	}
	return entry
}

// all returns every run. Runs are only ever appended, so the slice may be read
// without the lock.
func (b *book) all() []*run {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.runs
}

// countInto fills in what the book has counted.
func (b *book) countInto(totals *Totals, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, upload := range b.uploads {
		if upload.status(now) == uploadImported {
			totals.Uploads++
		}
	}
	totals.Requests, totals.RateLimited = maps.Clone(b.requests), b.limited
	totals.PeakRunning, totals.PeakRequests = map[string]int{}, map[string]int{}
	for name, team := range b.teams {
		totals.PeakRunning[name] = team.peak
	}
	for name, project := range b.projects {
		totals.PeakRequests[name] = project.peak
	}
}
