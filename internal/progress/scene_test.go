package progress

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
)

// scene is a small run: what is so from a time on, what happens at a time.
type scene struct {
	from time.Duration
	set  func(s *Snapshot, start time.Time)
}

var evening = []scene{
	{0, func(s *Snapshot, start time.Time) {
		s.Phase, s.Batch, s.Mode, s.Started = Planning, "potion-icons", job.Test, start
	}},
	{3 * time.Second, func(s *Snapshot, _ time.Time) {
		s.Phase = Running
		s.Left = 20*time.Minute + 3*time.Second // from the start
		s.Jobs.Total, s.Jobs.Kept, s.Jobs.Queued, s.Images.Total = 60, 10, 50, 100
		s.CU.Cap = new(500 * job.OneCU)
	}},
	{10 * time.Second, func(s *Snapshot, _ time.Time) {
		s.Jobs.Queued, s.Jobs.Running, s.CU.Reserved, s.Requests = 44, 6, 60*job.OneCU, 12
		s.Waiting = Wait{Reason: job.WaitParallel, Detail: "6 of 6 running"}
	}},
	{21 * time.Second, func(s *Snapshot, start time.Time) {
		s.Jobs.Running, s.Jobs.Storing, s.Jobs.Succeeded, s.Jobs.Failed = 2, 1, 2, 1
		s.Images.Done, s.Requests = 4, 15
		s.CU.Spent, s.CU.Reserved = 20_500, 30*job.OneCU
		s.Waiting = Wait{Reason: job.WaitCooldown, Until: start.Add(10 * time.Minute)}
	}},
	{100 * time.Second, func(s *Snapshot, _ time.Time) { s.Phase = Stopping }},
}

// at is the state that the scenes have led to.
func at(scenes []scene, start time.Time) Snapshot {
	var s Snapshot
	for _, scene := range scenes {
		if time.Since(start) >= scene.from {
			scene.set(&s, start)
		}
	}
	if s.Left > 0 {
		s.Left -= time.Since(start)
	}
	return s
}

var refused = job.Result{
	Job: "aaaabbbbccccdddd", Row: "health\x1b[2J", State: job.Failed, Kind: "rejected",
	Reason: "the prompt was refused\nby moderation", Hint: "reword it",
}

var stored = job.Result{Job: "eeeeffffgggghhhh", Row: "mana", State: job.Succeeded}

// play shows the evening on out: after 21 seconds a success and a failure land,
// after 30 the program says something, after 105 it is over.
func play(t *testing.T, style Style, out *bytes.Buffer) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		start := time.Now()
		landed := make(chan job.Result, 2)
		view := Start(out, style, func() Snapshot { return at(evening, start) }, landed)
		time.Sleep(21100 * time.Millisecond)
		landed <- stored
		landed <- refused
		time.Sleep(8900 * time.Millisecond)
		view.Println("Redis is", "slow\x1b[31m")
		time.Sleep(75 * time.Second)
		view.Stop()
		view.Stop()
		view.Println("after", "all")
	})
}
