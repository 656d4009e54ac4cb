package runner_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"nightshift/internal/job"
)

// Ways through the states that jobs go as far as they go well.
var (
	sent      = []job.State{job.Queued, job.Sending}
	collected = []job.State{job.Running, job.Storing, job.Succeeded}
)

func way(parts ...[]job.State) []job.State { return slices.Concat(parts...) }

// failedRun is the reply to a submission whose run fails.
func failedRun(e ending) []reply {
	e.status = job.RunFailed
	return []reply{{end: e}}
}

// Every way of the state table of docs/architecture.md.
func TestStates(t *testing.T) {
	t.Parallel()
	badImage := &job.BadImageError{Reason: "torn"}
	cases := map[string]struct {
		replies []reply
		refuse  []error // of images, by the bucket
		broken  int     // downloads
		way     []job.State
		kind    string // of failure
		again   int    // runs bought anew
		billed  job.CU
		images  int
	}{
		"all goes well":      {way: way(sent, collected), billed: price, images: 1},
		"more images":        {replies: []reply{{end: ending{images: 3}}}, way: way(sent, collected), billed: price, images: 3},
		"billed above quote": {replies: []reply{{end: ending{billed: 2 * price}}}, way: way(sent, collected), billed: 2 * price, images: 1},
		"reply lost, adopted": {
			replies: []reply{{err: errLost, taken: true}},
			way:     way(sent, []job.State{job.Unknown}, collected), billed: price, images: 1,
		},
		"adopted from a list that lags": {
			replies: []reply{{err: errLost, taken: true, lag: grace - 3*time.Second}},
			way:     way(sent, []job.State{job.Unknown}, collected), billed: price, images: 1,
		},
		"adopted after its end": {
			replies: []reply{{err: errLost, taken: true, lag: 2 * runTime}},
			way:     way(sent, []job.State{job.Unknown}, collected), billed: price, images: 1,
		},
		"never accepted, sent again": {
			replies: []reply{{err: errLost}},
			way:     way(sent, []job.State{job.Unknown}, sent, collected), billed: price, images: 1,
		},
		"refused for a limit": {
			replies: []reply{{err: &job.LimitError{Limit: job.LimitCooldown, After: time.Minute}}},
			way:     way(sent, sent, collected), billed: price, images: 1,
		},
		"provider not reached, three times": {
			replies: []reply{{err: errors.New("dial")}, {err: errors.New("dial")}, {err: errors.New("dial")}},
			way:     way(sent, sent, sent, sent, collected), billed: price, images: 1,
		},
		"refused for its content": {
			replies: []reply{{err: &job.ProviderError{Kind: job.ErrInvalid, Words: "width"}}},
			way:     way(sent, []job.State{job.Failed}), kind: "invalid", again: -1,
		},
		"run fails for a fault that passes": {
			replies: failedRun(ending{transient: true}),
			way:     way(sent, []job.State{job.Running, job.Storing}, sent, collected), again: 1, billed: 2 * price, images: 1,
		},
		"run fails for it three times": {
			replies: slices.Repeat(failedRun(ending{transient: true}), 3),
			way: way(sent, []job.State{job.Running, job.Storing}, sent, []job.State{job.Running, job.Storing}, sent,
				[]job.State{job.Running, job.Storing, job.Failed}), kind: "provider", again: 2, billed: 3 * price,
		},
		"run fails for it and is not refunded": {
			replies: failedRun(ending{transient: true, kept: true}),
			way:     way(sent, []job.State{job.Running, job.Storing, job.Failed}), kind: "provider", billed: price,
		},
		"run fails for its content": {
			replies: failedRun(ending{}),
			way:     way(sent, []job.State{job.Running, job.Storing, job.Failed}), kind: "rejected", billed: price,
		},
		"run fails and shows less than it took": {
			replies: failedRun(ending{addition: price / 4}),
			way:     way(sent, []job.State{job.Running, job.Storing, job.Failed}), kind: "rejected", billed: price,
		},
		"run fails, shows less, and runs again": {
			replies: failedRun(ending{transient: true, addition: price / 4}),
			way:     way(sent, []job.State{job.Running, job.Storing}, sent, collected), again: 1, billed: 2 * price, images: 1,
		},
		"run canceled by the provider": {
			replies: []reply{{end: ending{status: job.RunCanceled}}},
			way:     way(sent, []job.State{job.Running, job.Storing, job.Failed}), kind: "rejected", billed: price,
		},
		"run without an image": {
			replies: []reply{{end: ending{images: -1}}},
			way:     way(sent, []job.State{job.Running, job.Storing, job.Failed}), kind: "provider", billed: price,
		},
		"run forgotten by the provider": {
			replies: failedRun(ending{forgotten: true, kept: true}),
			way:     way(sent, []job.State{job.Running, job.Storing, job.Failed}), kind: job.KindStorage, billed: price,
		},
		"downloads break off twice": {broken: 2, way: way(sent, collected), billed: price, images: 1},
		"bucket full for a time":    {refuse: slices.Repeat([]error{errFull}, 12), way: way(sent, collected), billed: price, images: 1},
		"asset broken for good": {
			refuse: slices.Repeat([]error{badImage}, 1000),
			way:    way(sent, []job.State{job.Running, job.Storing, job.Failed}), kind: job.KindStorage, billed: price, again: -1,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, 1)
				b.provider.replies, b.folder.refuse, b.provider.broken = c.replies, c.refuse, c.broken
				p := b.start(nil).watch().feed()
				b.over()
				p.stop()
				if got := b.store.went(refOf(b.jobs[0])); !slices.Equal(got, c.way) {
					t.Errorf("the job went\n%v, want\n%v", got, c.way)
				}
				result := b.folder.results[0]
				if result.Kind != c.kind || result.Billed != c.billed || len(result.Images) != c.images {
					t.Errorf("the result is of kind %q, billed %s and has %d images, want %q, %s and %d",
						result.Kind, result.Billed, len(result.Images), c.kind, c.billed, c.images)
				}
				if c.again >= 0 {
					b.judge(c.again)
				}
			})
		})
	}
}

var errFull = &job.HintedError{Err: errors.New("no space"), Hint: "make room"}

// A process that died between its mark and its reply leaves the job unknown, whether
// the queue hands its task to another or has lost it.
func TestSendingOfADeadProcessIsUnknown(t *testing.T) {
	t.Parallel()
	for name, taskLost := range map[string]bool{"task redelivered": false, "task lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, 1)
				first := b.start(&trap{call: "submit", kind: killedAfter, sprung: make(chan struct{})}).feed()
				<-first.trap.sprung
				if taskLost {
					b.do(func() { delete(b.tasks.tasks, taskID{submitTask, refOf(b.jobs[0]), 1}) })
				}
				second := b.start(nil).watch()
				b.over()
				second.stop()
				first.stop()
				if got, want := b.store.went(refOf(b.jobs[0])), way(sent, []job.State{job.Unknown}, collected); !slices.Equal(got, want) {
					t.Errorf("the job went\n%v, want\n%v", got, want)
				}
				b.judge(0)
			})
		})
	}
}

// Tasks that the queue lost are made again, and a collect task finds out by itself what
// became of its run while nobody watches.
func TestLostTasksAndWatchers(t *testing.T) {
	t.Parallel()
	t.Run("submit task lost", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBed(t, 1)
			first := b.start(&trap{call: "enqueue", kind: killedBefore, sprung: make(chan struct{})}).feed()
			<-first.trap.sprung
			second := b.start(nil).watch()
			b.over()
			second.stop()
			b.judge(0)
		})
	})
	t.Run("collect task lost", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBed(t, 1)
			p := b.start(nil).feed()
			b.await("it runs", func() bool { return slices.Contains(b.store.went(refOf(b.jobs[0])), job.Running) })
			b.do(func() { delete(b.tasks.tasks, taskID{collectTask, refOf(b.jobs[0]), 1}) })
			p.watch()
			b.over()
			p.stop()
			b.judge(0)
		})
	})
	t.Run("nobody watches", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBed(t, 1)
			p := b.start(nil).feed()
			b.over()
			p.stop()
			b.judge(0)
		})
	})
}

// A job whose images the bucket does not take holds no slot.
func TestStoringHoldsNoSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 2)
		b.admission.ceiling = 1
		b.folder.refuse = slices.Repeat([]error{errFull}, 40)
		p := b.start(nil).watch().feed()
		b.await("both are sent", func() bool { return b.provider.sent == 2 })
		b.do(func() {
			if len(b.folder.results) > 0 {
				t.Error("the bucket took the images of the first before the second was sent")
			}
		})
		b.over()
		p.stop()
		b.judge(0)
	})
}

// A job that is sent again holds nothing before: others wait for its slot.
func TestSentAgainHoldsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.provider.replies = []reply{{err: errLost}}
		p := b.start(&trap{call: "change from unknown to queued", kind: killedAfter, sprung: make(chan struct{})}).watch().feed()
		<-p.trap.sprung
		p.stop()
		if len(b.admission.held) > 0 {
			t.Errorf("%v is held", b.admission.held)
		}
	})
}

// A list that may go on proves no absence.
func TestPartialListsProveNoAbsence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, 1)
		b.provider.partial = true
		b.provider.replies = []reply{{err: errLost}}
		p := b.start(nil).watch().feed()
		time.Sleep(time.Hour)
		b.do(func() {
			if b.provider.sent != 1 || len(b.folder.questions) > 0 {
				t.Errorf("%d were sent, asked is %v", b.provider.sent, b.folder.questions)
			}
			b.provider.partial = false
		})
		b.over()
		p.stop()
		b.judge(0)
	})
}

// A place in the request rate that has grown old while the intent was written is taken
// anew: the request would arrive in a minute that it was not counted in.
func TestPlacesInTheRequestRateAreOfNow(t *testing.T) {
	t.Parallel()
	for _, slow := range []time.Duration{placeKept / 2, 2 * placeKept} {
		t.Run(slow.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, 1)
				b.folder.slow = slow
				p := b.start(nil).feed()
				time.Sleep(5 * time.Second)
				b.do(func() {
					if again := p.called["ask for a request"]; b.provider.sent != 1 || again != (slow > placeKept) {
						t.Errorf("%d requests were sent, a place was taken again: %t", b.provider.sent, again)
					}
				})
				p.stop()
			})
		})
	}
}

// placeKept is how old a place in the request rate may be.
const placeKept = 500 * time.Millisecond
