package nights

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/cli"
	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// drawnNight is a night that follows a script.
type drawnNight struct {
	*place
	script  script
	random  *rand.Rand // of what befalls it
	began   time.Time
	diary   *diary
	ways    redis.UniversalClient // to Redis, for the person at the commands
	workers []*lifeline
	batches []*nightBatch
	faults  map[simulator.FaultKind]simulator.Fault
	revoked map[string]bool
	caps    map[string]job.CU // by key, what the keys file says now
	days    map[string]job.CU // likewise, of a day
	// capNotes are what it said, in order.
	capNotes map[string][]keyCaps
	gone     map[string]bool // keys that the keys file does not have now
	calmed   bool
	errands  sync.WaitGroup
	rests    rests      // of API keys
	faulty   sync.Mutex // holds faults and excused
	excused  []span     // times in which nothing need be sent
	// mornings are done in the calm, once what was begun has come to its end.
	mornings []func(n *drawnNight)
	// mostRecords is how many jobs Redis held at the most, where it was looked at.
	mostRecords int
	// findings are the promises that were broken.
	findings []finding
}

// nightBatch is a batch of a drawn night.
type nightBatch struct {
	*night
	drawn     drawnBatch
	run       *shift // the last `enqueue run` of it, or nil
	runCalm   bool   // it began in the calm
	submitted bool
	cancelled bool
	short     bool // its rest costs more than a cap leaves
	// asked are the jobs of all its plans, by id.
	asked map[job.ID]job.Job
	since map[string]time.Time // when they were submitted, by what they ask for
	// marks are those that the command pick has confirmed.
	marks map[job.Picture]job.Mark
}

// nightOf makes a night that follows a script.
func nightOf(t *testing.T, s script) *drawnNight {
	t.Helper()
	d := &diary{}
	o := simulator.Options{
		Latency: s.latency, Parallel: s.parallel, RequestsPerMinute: s.requests, ClockSkew: s.skew, Seed: s.seed,
		Logger: slog.New(&faultCounter{diary: d}),
	}
	o.Keys = append(o.Keys, s.others...)
	var environ []string
	for _, k := range s.keys {
		o.Keys = append(o.Keys, k.Key)
		environ = append(environ, "KEY_"+k.Key.Key+"="+k.Key.Key, "SECRET_"+k.Key.Key+"="+k.Secret)
	}
	file := t.TempDir() + "/keys.yaml"
	n := &drawnNight{
		place: newPlace(t, o, append(environ, "NIGHTSHIFT_KEYS="+file)...), script: s, random: rand.New(rand.NewPCG(s.seed, 2)), began: time.Now(), diary: d,
		faults: make(map[simulator.FaultKind]simulator.Fault), revoked: make(map[string]bool), caps: make(map[string]job.CU), days: make(map[string]job.CU), capNotes: make(map[string][]keyCaps), gone: make(map[string]bool),
	}
	n.keysFile, n.weather.random = file, rand.New(rand.NewPCG(s.seed, 3))
	n.wire.random = rand.New(rand.NewPCG(s.seed, 4))
	n.wire.hear = func(r *http.Request, response *http.Response, err error) {
		d.request(r, response, err)
		if err := n.rests.hear(r, response); err != nil {
			t.Error(err)
		}
	}
	for _, k := range s.keys {
		n.caps[k.Key.Key], n.days[k.Key.Key] = k.cap, k.day
	}
	n.rewriteKeys()
	for _, drawn := range s.batches {
		b := &nightBatch{night: &night{place: n.place, files: drawn.files}, drawn: drawn, asked: make(map[job.ID]job.Job), since: make(map[string]time.Time)}
		b.write(drawn.manifest())
		n.batches = append(n.batches, b)
	}
	n.ways = n.throughGate()
	return n
}

// rewriteKeys writes the keys file as it is now.
func (n *drawnNight) rewriteKeys() {
	n.t.Helper()
	var entries []string
	for _, k := range n.script.keys {
		n.capNotes[k.Key.Key] = append(n.capNotes[k.Key.Key], keyCaps{time.Now(), n.caps[k.Key.Key], n.days[k.Key.Key]})
		if n.gone[k.Key.Key] {
			continue
		}
		var limits, caps []string
		if k.parallel > 0 {
			limits = append(limits, fmt.Sprint("parallel: ", k.parallel))
		}
		if cu := n.caps[k.Key.Key]; cu > 0 {
			caps = append(caps, fmt.Sprintf("total: %s", cu))
		}
		if day := n.days[k.Key.Key]; day > 0 {
			caps = append(caps, fmt.Sprintf("day: %s", day))
		}
		if len(caps) > 0 {
			limits = append(limits, "cu: {"+strings.Join(caps, ", ")+"}")
		}
		entries = append(entries, entryOf(k.Key, limits...))
	}
	var projects strings.Builder
	projects.WriteString("projects:\n")
	seen := make(map[string]bool)
	for _, k := range n.script.keys {
		if !seen[k.Project] {
			fmt.Fprintf(&projects, "  %s: {requests_per_minute: %d}\n", k.Project, n.script.requests)
			seen[k.Project] = true
		}
	}
	n.writeKeys(poolOf(entries...) + projects.String())
}

// pass lets the night go by, with all that befalls it.
func (n *drawnNight) pass() {
	n.t.Helper()
	n.place.pass(n.script.begins)
	n.began = time.Now()
	n.eachPart(func(p *part) func(*drawnNight) { return p.begin })
	for range n.script.workers {
		n.hire()
	}
	type step struct {
		at time.Duration
		do func()
	}
	var steps []step
	for _, b := range n.batches {
		steps = append(steps, step{b.drawn.at, func() { n.submit(b) }})
	}
	for _, e := range n.script.events {
		steps = append(steps, step{e.at, func() {
			n.sample()
			n.diary.note("night", "%s", e.trouble.name)
			strikes.add(e.trouble.name)
			began := time.Now()
			e.trouble.strike(n)
			if !e.trouble.mild {
				n.excuse(began, time.Now())
			}
		}})
	}
	slices.SortStableFunc(steps, func(a, b step) int { return int(a.at - b.at) })
	for _, s := range steps {
		time.Sleep(time.Until(n.began.Add(s.at))) // virtual
		s.do()
	}
	time.Sleep(time.Until(n.began.Add(n.script.length))) // virtual
}

// hire starts a worker.
func (n *drawnNight) hire() *lifeline {
	n.t.Helper()
	l := n.mortal()
	n.workers = append(n.workers, l)
	n.diary.note("night", "worker-%d starts", n.members)
	return l
}

// working are the workers that are alive.
func (n *drawnNight) working() []*lifeline {
	var alive []*lifeline
	for _, l := range n.workers {
		if l.alive() {
			alive = append(alive, l)
		}
	}
	return alive
}

// someone is a worker that is alive, or nil.
func (n *drawnNight) someone() *lifeline {
	alive := n.working()
	if len(alive) == 0 {
		return nil
	}
	return alive[n.random.IntN(len(alive))]
}

// later does something after a while, beside the rest of the night.
func (n *drawnNight) later(after time.Duration, do func()) {
	n.excuse(time.Now(), time.Now().Add(after))
	n.errands.Go(func() {
		time.Sleep(after) // virtual
		do()
	})
}

// patience is how often the person tries a command again that failed, every few seconds.
const patience = 12

// command is what the person at the commands enters, again where it does not work.
func (n *drawnNight) command(args ...string) answer {
	n.t.Helper()
	var last answer
	for range patience {
		var out, log bytes.Buffer
		code := cli.Enqueue(n.t.Context(), app.Process{
			Args: args, Environ: append(slices.Clone(n.environ), "NIGHTSHIFT_BUCKET=file://"+n.folder),
			Stdout: &out, Stderr: &log, Transport: n.wire, Redis: n.ways,
		})
		last = answer{code, out.String(), log.String()}
		n.diary.note("person", "enqueue %s: %d %s%s", strings.Join(args, " "), code, last.out, last.log)
		if code == exitDone || code == exitSomeFailed {
			return last
		}
		time.Sleep(5 * time.Second) // virtual
	}
	return last
}

// capTooSmall is what a submission says that cannot be paid.
const capTooSmall = "a cap of CU does not cover the plan"

// submit hands a batch to the workers.
func (n *drawnNight) submit(b *nightBatch) {
	n.t.Helper()
	if b.drawn.byRun {
		n.startRun(b)
		return
	}
	a := n.command("submit", b.file)
	if a.code == exitSomeFailed && strings.Contains(a.log, capTooSmall) {
		b.short = true
		return
	}
	if a.code != exitDone {
		if n.calmed {
			n.fail("the programs work", "", "submit of %s ends with %d: %s%s", b.drawn.name, a.code, a.out, a.log)
		}
		return
	}
	n.noteSubmitted(b)
}

// noteSubmitted notes what workers are asked to do.
func (n *drawnNight) noteSubmitted(b *nightBatch) {
	n.t.Helper()
	b.submitted = true
	for _, j := range b.planned() {
		if _, before := b.asked[j.ID]; !before || b.cancelled {
			b.since[content(j.Model, j.Inputs)] = time.Now()
		}
		b.asked[j.ID] = j
	}
}

// calm ends all that befalls the night, as a person does in the morning.
func (n *drawnNight) calm() {
	n.t.Helper()
	n.errands.Wait()
	n.diary.note("night", "it becomes calm")
	n.calmed = true
	n.excuse(time.Now(), time.Now())
	n.gate.open()
	n.weather.set(0, 0, 0)
	n.setFaults(func(map[simulator.FaultKind]simulator.Fault) { clear(n.faults) })
	for key := range n.revoked {
		if err := n.sim.RestoreKey(key); err != nil {
			n.t.Error(err)
		}
	}
	clear(n.gone)
	n.eachPart(func(p *part) func(*drawnNight) { return p.calm })
	n.rewriteKeys()
	for _, l := range n.workers {
		l.thaw()
		l.killAfter(0)
	}
	if len(n.working()) == 0 {
		n.hire()
	}
}

// morning is the virtual time that it may take until nothing goes on any more: some that
// pauses and backoffs take, and twice what all jobs take on the keys without a cap.
func (n *drawnNight) morning() time.Duration {
	jobs := 0
	for _, b := range n.batches {
		jobs += len(b.asked)
	}
	return 40*time.Minute + time.Duration(2*jobs/n.script.width())*n.script.slowest
}

// finish lets what was begun come to its end, submits all batches again, and lets that
// come to its end, too: what is lost after that is lost.
func (n *drawnNight) finish() {
	n.t.Helper()
	if !n.settle() {
		return
	}
	n.judgeEnds() // what the next submission makes up for was left out
	for _, do := range n.mornings {
		do(n)
	}
	if len(n.mornings) > 0 && !n.settle() {
		return
	}
	for _, b := range n.batches {
		if !b.cancelled {
			n.submit(b)
		}
	}
	n.settle()
	for end := time.Now().Add(leftovers); len(n.leftInRedis())+len(n.unfinished()) > 0 && time.Now().Before(end); time.Sleep(10 * time.Second) { // virtual
	}
}

// unfinished are files that somebody is still writing, or has left.
func (n *drawnNight) unfinished() []string {
	n.t.Helper()
	var parts []string
	err := filepath.WalkDir(n.folder, func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".part") {
			parts = append(parts, path)
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil // gone meanwhile
		}
		return err
	})
	if err != nil {
		n.t.Error(err)
	}
	return parts
}

// leftovers is the time in which tasks of jobs that are over find that out, and a worker that
// stood still leaves the image that another has stored meanwhile.
const leftovers = 20 * time.Minute

// settle waits until no batch goes on, or all that go on can do nothing without more CU.
func (n *drawnNight) settle() bool {
	n.t.Helper()
	limit := n.morning()
	for deadline := time.Now().Add(limit); ; time.Sleep(3 * time.Second) { // virtual
		open := n.help()
		if len(open) == 0 {
			return true
		}
		if time.Now().After(deadline) {
			a := n.ask("status")
			n.fail("stuck", "", "after %s these batches go on: %v\n%s%s", limit, open, a.out, a.log)
			return false
		}
	}
}

// help does what only a person can, and returns the batches that go on.
func (n *drawnNight) help() []string {
	n.t.Helper()
	n.answer()
	n.sample()
	open := n.open()
	n.resume(open)
	if len(open) > 0 && n.allWaitForCU(open) {
		n.raiseCaps()
	}
	return open
}

// open are the batches that workers have something to do with.
func (n *drawnNight) open() []string {
	n.t.Helper()
	open, err := batch.OpenBatches(n.t.Context(), n.bucket)
	if err != nil {
		n.t.Fatal(err)
	}
	return open
}

// resume lets batches go on that a person or a worker has paused.
func (n *drawnNight) resume(open []string) {
	n.t.Helper()
	for _, name := range open {
		o, err := batch.ReadSubmission(n.t.Context(), n.bucket, name)
		if err != nil || o == nil {
			continue // it is being written
		}
		if c, err := batch.ReadControl(n.t.Context(), n.bucket, o); err == nil && c.State == batch.ControlPause {
			n.command("resume", name)
		}
	}
}

// allWaitForCU reports whether the batches that are open are all blocked.
func (n *drawnNight) allWaitForCU(open []string) bool {
	for _, name := range open {
		o, err := batch.ReadSubmission(n.t.Context(), n.bucket, name)
		if err != nil || o == nil {
			return false
		}
		if c, err := batch.ReadControl(n.t.Context(), n.bucket, o); err != nil || c.Blockage() == nil {
			return false
		}
	}
	return true
}

// raiseCaps is what a person does with keys whose caps are used up.
func (n *drawnNight) raiseCaps() {
	n.t.Helper()
	raised := false
	for key, cu := range n.caps {
		if cu > 0 {
			n.caps[key], raised = 0, true
		}
	}
	if raised {
		n.diary.note("person", "takes the caps of keys away")
		n.excuse(n.began, time.Now())
		n.rewriteKeys()
		time.Sleep(10 * time.Second) // virtual; until it is taken over
	}
}

// answer decides what only a person can, and knows the truth from the ledger.
func (n *drawnNight) answer() {
	n.t.Helper()
	for _, b := range n.batches {
		if !b.submitted {
			continue
		}
		for _, q := range b.questions() {
			args := []string{"resolve", b.file, q.Row, "--resend"}
			for _, candidate := range q.Candidates {
				if n.accepted(candidate.Inference, b.asked[q.Job]) {
					args = []string{"resolve", b.file, q.Row, "--run", candidate.Inference}
					break
				}
			}
			strikes.add("question")
			n.diary.note("person", "is asked about %s, of which there may be %+v", q.Row, q.Candidates)
			n.command(args...)
		}
	}
}

// accepted reports whether an inference is one of ours, and makes what the job asks for.
func (n *drawnNight) accepted(inference string, j job.Job) bool {
	return slices.ContainsFunc(n.ledger(), func(e simulator.Entry) bool {
		return e.JobID == inference && !n.isTheirs(e) && content(e.Model, e.Input) == content(j.Model, j.Inputs)
	})
}

// setFaults changes what the simulator does wrong.
func (n *drawnNight) setFaults(change func(map[simulator.FaultKind]simulator.Fault)) {
	n.t.Helper()
	n.faulty.Lock()
	defer n.faulty.Unlock()
	change(n.faults)
	var all []simulator.Fault
	for _, fault := range n.faults {
		all = append(all, fault)
	}
	slices.SortFunc(all, func(a, b simulator.Fault) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
	if err := n.sim.SetFaults(all...); err != nil {
		n.t.Error(err)
	}
}

// faultCounter hears of the simulator's faults.
type faultCounter struct{ diary *diary }

func (c *faultCounter) Enabled(context.Context, slog.Level) bool { return true }

func (c *faultCounter) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "fault injected" {
		return nil
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "kind" {
			strikes.add("simulator: " + a.Value.String())
			c.diary.note("simulator", "fault %s", a.Value)
		}
		return true
	})
	return nil
}

func (c *faultCounter) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c *faultCounter) WithGroup(string) slog.Handler      { return c }

// nightFolder is where the files of a night lie: in memory where the system offers that.
func nightFolder(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("/dev/shm"); err != nil {
		return t.TempDir()
	}
	folder, err := os.MkdirTemp("/dev/shm", "night-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	return folder
}
