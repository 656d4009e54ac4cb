package chaos

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/longtest"
	"nightshift/internal/redistest"
)

const (
	parallel = 20 // inferences that the provider lets run, where nothing else is said
	listLag  = time.Second
	// grace is longer than the list lags, and far shorter than anybody would set it.
	grace = 6 * time.Second
	drain = 5 * time.Second
)

// shape is how long and how hard a run is.
type shape struct {
	kills    int // of workers, Redis and S3, after which the run ends
	workers  int
	pace     time.Duration // mean time between faults
	rows     int           // of a batch
	longest  time.Duration // that a worker stands still, or that the bucket is away
	flushEnd bool          // Redis is emptied at the end, so that nobody waits for the tasks of the dead
}

func shapeOf() shape {
	s := shape{kills: longtest.Times(3, 8), workers: 3, pace: 1500 * time.Millisecond, rows: 24, longest: 10 * time.Second, flushEnd: true}
	if *killsFlag > 0 {
		s = shape{kills: *killsFlag, workers: 4, pace: 4 * time.Second, rows: 60, longest: 90 * time.Second}
	}
	if *workersFlag > 0 {
		s.workers = *workersFlag
	}
	if *paceFlag > 0 {
		s.pace = *paceFlag
	}
	return s
}

// world is all that a run consists of. One goroutine, the test's, does everything
// in it.
type world struct {
	*timeline
	t        *testing.T
	shape    shape
	seed     uint64
	limits   limits
	random   *rand.Rand
	dir      string
	redis    *redistest.Server
	redisUp  bool // it runs and does not stand still
	provider *provider
	prices   map[string]job.CU // of one image, by model
	api      *link
	caps     []caps // that were ever in force
	bucket   storage
	broken   *bucketFault // of the bucket, now
	workers  []*worker
	batches  []*batch
	due      []deed
	counts   counts
	quiet    bool // no more faults
}

// deed is something that is to be done at a time.
type deed struct {
	at time.Time
	do func()
}

// limits are those of the provider.
type limits struct {
	parallel int
	rate     int // requests a minute; 0 is any number
}

func newWorld(t *testing.T, seed uint64, kind string, l limits) *world {
	t.Helper()
	out, err := filepath.Abs("out")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(out, 0o700); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(out, "run-")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		timeline: &timeline{started: time.Now()}, t: t, shape: shapeOf(), seed: seed, limits: l, random: rand.New(rand.NewPCG(seed, 0)), dir: dir,
	}
	t.Cleanup(func() { // runs after all processes have ended
		if t.Failed() {
			t.Logf("the folder of the run is kept: %s", dir)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the folder of the run: %v", err)
		}
	})
	w.file = w.logFile("timeline.log")
	w.redis, w.redisUp = redistest.StartKept(t), true
	w.provider = w.startProvider()
	if err := w.provider.set(); err != nil {
		t.Fatal(err)
	}
	w.prices = make(map[string]job.CU)
	for model, inputs := range map[string]string{seeded: `{"prompt": "a thing", "width": 128, "height": 128}`, seedless: `{"prompt": "a thing"}`} {
		if w.prices[model], err = w.provider.price(model, inputs); err != nil {
			t.Fatalf("ask for the price of %s: %v", model, err)
		}
	}
	if l.rate > 0 {
		w.countRequests(w.provider)
	}
	w.api = newLink(t, "provider", w.provider.url[len("http://"):])
	w.writeCaps(w.room(), w.room())
	w.bucket = newStorage(t, kind, dir)
	for i := range w.shape.workers {
		w.workers = append(w.workers, w.newWorker(i+1))
	}
	return w
}

// after does something later.
func (w *world) after(d time.Duration, do func()) {
	w.due = append(w.due, deed{time.Now().Add(d), do})
}

// runUntil does what is due until done says that it is enough, and reports whether
// it was before the limit.
func (w *world) runUntil(limit time.Time, done func() bool) bool {
	for !done() {
		if time.Now().After(limit) || w.t.Failed() {
			return false
		}
		wait := 100 * time.Millisecond
		if next := w.next(); next >= 0 {
			wait = min(wait, time.Until(w.due[next].at))
			if wait <= 0 {
				do := w.due[next].do
				w.due = slices.Delete(w.due, next, next+1)
				do()
				continue
			}
		}
		<-time.After(wait)
	}
	return true
}

// next is the deed that is due first, -1 if there is none.
func (w *world) next() int {
	first := -1
	for i := range w.due {
		if first < 0 || w.due[i].at.Before(w.due[first].at) {
			first = i
		}
	}
	return first
}

// between draws a time.
func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.random.Int64N(int64(most-least)+1))
}
