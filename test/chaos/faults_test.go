package chaos

import (
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/simulator"
)

// counts are how often which fault has befallen the run.
type counts struct {
	WorkerKills    int `json:"workerKills"`
	RedisKills     int `json:"redisKills"`
	Flushes        int `json:"flushes"`
	WorkerStops    int `json:"workerStops"` // SIGSTOP
	RedisStops     int `json:"redisStops"`
	WorkerEnds     int `json:"workerEnds"` // SIGTERM
	LinkFaults     int `json:"linkFaults"`
	ProviderFaults int `json:"providerFaults"`
	BucketFaults   int `json:"bucketFaults"`
	BucketKills    int `json:"bucketKills"` // of an S3 server; they are bucket faults too
	Commands       int `json:"commands"`    // of enqueue
}

func (c counts) kills() int { return c.WorkerKills + c.RedisKills + c.BucketKills }

// fault is a kind of trouble that can befall the run. do reports false if it cannot
// at the moment.
type fault struct {
	name   string
	weight int
	do     func(*world) bool
}

var faults = []fault{
	{"kill-worker", 40, (*world).killWorker},
	{"stop-worker", 12, (*world).freezeWorker},
	{"end-worker", 6, (*world).endWorker},
	{"kill-redis", 8, (*world).killRedis},
	{"flush", 6, (*world).flush},
	{"stop-redis", 4, (*world).freezeRedis},
	{"link", 14, (*world).breakLink},
	{"provider", 14, (*world).breakProvider},
	{"bucket", 12, (*world).breakBucket},
}

// chosen are the faults that the flags name.
func chosen() []fault {
	if *faultsFlag == "" {
		return faults
	}
	names := strings.Split(*faultsFlag, ",")
	return slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !slices.Contains(names, f.name) })
}

// bucketFaults is how often the bucket is broken at least, where it can be.
const bucketFaults = 2

// enough reports whether the run has seen what it is for.
func (w *world) enough() bool {
	breakable := len(w.bucket.faults()) > 0 && slices.ContainsFunc(chosen(), func(f fault) bool { return f.name == "bucket" })
	return w.counts.kills() >= w.shape.kills && (!breakable || w.counts.BucketFaults >= bucketFaults)
}

// drawFaults lets faults befall the run, one after another, until it is quiet.
func (w *world) drawFaults() {
	pace := time.Duration(w.random.ExpFloat64() * float64(w.shape.pace))
	w.after(min(pace, 5*w.shape.pace), func() {
		if w.quiet {
			return
		}
		w.drawFault()
		w.drawFaults()
	})
}

func (w *world) drawFault() {
	all, sum := chosen(), 0
	for _, f := range all {
		sum += f.weight
	}
	for range 5 { // one that cannot be is drawn again
		n := w.random.IntN(sum)
		for _, f := range all {
			if n -= f.weight; n < 0 {
				if f.do(w) {
					return
				}
				break
			}
		}
	}
}

// anyWorker draws one that runs; at least one other has to run beside it.
func (w *world) anyWorker() *worker {
	var running []*worker
	for _, m := range w.workers {
		if m.runs() {
			running = append(running, m)
		}
	}
	if len(running) == 0 {
		return nil
	}
	return running[w.random.IntN(len(running))]
}

func (w *world) killWorker() bool {
	m := w.anyWorker()
	if m == nil {
		return false
	}
	w.counts.WorkerKills++
	m.kill(w.between(0, 8*time.Second))
	return true
}

func (w *world) freezeWorker() bool {
	m := w.anyWorker()
	if m == nil {
		return false
	}
	w.counts.WorkerStops++
	m.freeze(w.between(time.Second, w.shape.longest))
	return true
}

func (w *world) endWorker() bool {
	m := w.anyWorker()
	if m == nil {
		return false
	}
	w.counts.WorkerEnds++
	m.term(w.between(0, 5*time.Second))
	return true
}

func (w *world) killRedis() bool {
	if !w.redisUp {
		return false
	}
	w.counts.RedisKills++
	pause := w.between(0, 5*time.Second)
	w.note("kill -9 of redis, starts again in %s", pause.Round(time.Millisecond))
	w.redis.Kill(w.t)
	w.redisUp = false
	w.after(pause, w.restartRedis)
	return true
}

func (w *world) restartRedis() {
	w.redis.Restart(w.t)
	w.redisUp = true
	w.note("redis is there again")
}

func (w *world) flush() bool {
	if !w.redisUp {
		return false
	}
	client := w.redis.Client(w.t)
	err := client.FlushAll(w.t.Context()).Err()
	if redis.IsLoadingError(err) { // it reads its file after a restart
		return false
	}
	if err != nil {
		w.t.Errorf("empty redis: %v", err)
	}
	w.counts.Flushes++
	w.note("FLUSHALL")
	return true
}

func (w *world) freezeRedis() bool {
	if !w.redisUp {
		return false
	}
	w.counts.RedisStops++
	d := w.between(time.Second, 20*time.Second)
	w.note("SIGSTOP of redis for %s", d.Round(time.Millisecond))
	w.redis.Freeze(w.t)
	w.redisUp = false
	w.after(d, func() {
		w.redis.Thaw(w.t)
		w.redisUp = true
		w.note("SIGCONT of redis")
	})
	return true
}

// breakLink slows, cuts or blackholes one of the links.
func (w *world) breakLink() bool {
	links := []*link{w.api, w.bucket.link("enqueue")}
	for _, m := range w.workers {
		links = append(links, m.redis, w.bucket.link(m.name))
	}
	links = slices.DeleteFunc(links, func(l *link) bool { return l == nil })
	l := links[w.random.IntN(len(links))]
	if state, _ := l.now(); state != linkOpen {
		return false
	}
	w.counts.LinkFaults++
	state := []linkState{linkSlow, linkCut, linkHole}[w.random.IntN(3)]
	d, delay := w.between(500*time.Millisecond, 12*time.Second), w.between(20*time.Millisecond, 500*time.Millisecond)
	w.note("link %s is %s for %s", l.name, state, d.Round(time.Millisecond))
	l.set(state, delay)
	w.after(d, func() {
		l.set(linkOpen, 0)
		w.note("link %s is whole", l.name)
	})
	return true
}

// moods are what the provider does for a while.
var moods = map[string][]simulator.Fault{
	"loses replies":         {{Kind: simulator.FaultDropAfterAccept, Rate: 0.5}},
	"drops requests":        {{Kind: simulator.FaultDropBeforeAccept, Rate: 0.5}},
	"says 500 and accepts":  {{Kind: simulator.FaultErrorAfterAccept, Rate: 0.5}},
	"says 500":              {{Kind: simulator.FaultErrorBeforeAccept, Rate: 0.5}},
	"says 429":              {{Kind: simulator.FaultRateLimit, Rate: 0.7}},
	"cools down":            {{Kind: simulator.FaultCooldown, Next: 1, Seconds: 3}},
	"fails":                 {{Kind: simulator.FaultFailGeneration, Rate: 0.2}},
	"moderates":             {{Kind: simulator.FaultModeration, Rate: 0.1}, {Kind: simulator.FaultModerationNoRefund, Rate: 0.1}},
	"truncates downloads":   {{Kind: simulator.FaultTruncateDownload, Rate: 0.5}},
	"damages images":        {{Kind: simulator.FaultCorruptImage, Rate: 0.3}},
	"sends pages as images": {{Kind: simulator.FaultHTMLDownload, Rate: 0.3}},
	"sends slowly":          {{Kind: simulator.FaultSlowDownload, Rate: 0.5, Seconds: 4}},
	"lists nothing":         {{Kind: simulator.FaultListError, Rate: 0.8}},
	"lists sparsely":        {{Kind: simulator.FaultSparseList, Rate: 0.7}},
}

func (w *world) breakProvider() bool {
	names := make([]string, 0, len(moods))
	for name := range moods {
		names = append(names, name)
	}
	slices.Sort(names)
	name := names[w.random.IntN(len(names))]
	d := w.between(2*time.Second, 12*time.Second)
	mood := slices.Clone(moods[name])
	for i := range mood {
		mood[i].Seed = w.random.Uint64()
	}
	w.counts.ProviderFaults++
	w.note("the provider %s for %s", name, d.Round(time.Millisecond))
	if err := w.provider.set(mood...); err != nil {
		w.t.Errorf("set faults: %v", err)
	}
	mark := w.counts.ProviderFaults
	w.after(d, func() {
		if w.counts.ProviderFaults != mark {
			return // it does something else by now
		}
		w.note("the provider works as usual")
		if err := w.provider.set(); err != nil {
			w.t.Errorf("clear faults: %v", err)
		}
	})
	return true
}

func (w *world) breakBucket() bool {
	all := w.bucket.faults()
	if len(all) == 0 || w.broken != nil {
		return false
	}
	f := all[w.random.IntN(len(all))]
	d := w.between(time.Second, 10*time.Second)
	if w.random.IntN(4) == 0 {
		d = w.between(w.shape.longest/2, w.shape.longest) // longer than anybody has patience
	}
	w.counts.BucketFaults++
	w.note("bucket: %s for %s", f.name, d.Round(time.Millisecond))
	if err := f.begin(); err != nil {
		w.t.Errorf("break the bucket: %v", err)
	}
	if f.kill {
		w.counts.BucketKills++
	}
	w.broken = &f
	w.after(d, func() {
		if w.broken == &f { // it was not mended early, and is another one now
			w.mendBucket()
		}
	})
	return true
}

func (w *world) mendBucket() {
	if w.broken == nil {
		return
	}
	if err := w.broken.end(); err != nil {
		w.t.Errorf("mend the bucket: %v", err)
	}
	w.note("bucket: no more of it: %s", w.broken.name)
	w.broken = nil
}

// calm ends the faults, and mends what they broke.
func (w *world) calm() {
	w.quiet = true
	if w.shape.flushEnd {
		w.runUntil(time.Now().Add(time.Minute), func() bool { return w.redisUp })
		w.flush()
	}
	w.note("no more faults")
	w.writeCaps(endless, endless)
	w.mendBucket()
	for _, m := range w.workers {
		if !m.standUp.IsZero() {
			m.thaw()
		}
	}
	w.counts.ProviderFaults++ // what was set ends now
	if err := w.provider.set(); err != nil {
		w.t.Errorf("clear faults: %v", err)
	}
	w.counts.ProviderFaults--
}

// dump tells what troubles the workers last, and makes them show their goroutines in
// their logs.
func (w *world) dump() {
	for _, m := range w.workers {
		w.t.Log(w.said(m.name+".log", "level=ERROR", 5) + w.said(m.name+".log", "batch stands", 5))
		if m.process.over() {
			continue
		}
		m.asked = time.Now() // its end is no trouble of its own
		m.signal(syscall.SIGCONT)
		m.signal(syscall.SIGQUIT)
		select {
		case <-m.process.ended:
		case <-time.After(10 * time.Second):
		}
	}
}
