package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
)

const (
	// newsTick is how often a worker asks whether something is new, and roundTick how
	// often it looks into the bucket anyway.
	newsTick  = 500 * time.Millisecond
	roundTick = 15 * time.Second
	// beatTick is how often a worker says what it does.
	beatTick = 2 * time.Second
	// aliveTick is how often it is asked whether Redis has kept its state. Nothing is
	// granted in between, should it have lost it.
	aliveTick = time.Second
	// restorePause is how long to wait before restoring what Redis lost is tried again.
	restorePause = 500 * time.Millisecond
)

// errEpochOver says that Redis is not in the epoch any more in which this worker has
// worked.
var errEpochOver = errors.New("redis lost its state")

// oneEpoch works in one epoch of Redis: from the moment in which all that was spent and
// all that runs is counted until Redis loses that, or ctx is done.
func (w *Worker) oneEpoch(ctx context.Context) error {
	epoch, end := context.WithCancel(ctx)
	var leading sync.WaitGroup
	defer w.stopLanes() // once nobody leads a batch any more
	defer leading.Wait()
	defer end()
	w.newsRead.Store(0) // a Redis that was emptied counts anew
	if w.Serving != nil {
		if err := w.Serving.Begin(epoch); err != nil {
			return err
		}
	}
	if err := w.refresh(epoch); err != nil {
		return err
	}
	if err := w.joinBeating(epoch); err != nil {
		return err
	}
	if err := w.newEngines(epoch); err != nil {
		return err
	}
	for _, l := range w.laneList() {
		if err := l.engine.Load().start(epoch, w.settings); err != nil {
			return err
		}
	}
	w.note("", "")
	w.ready.Store(true)
	defer w.ready.Store(false)
	s := &epochWork{Worker: w, leaders: &leading, led: make(map[string]bool)}
	s.leadAll(epoch)
	return s.run(epoch)
}

// epochWork is what a worker does beside the jobs while an epoch goes on.
type epochWork struct {
	*Worker
	leaders *sync.WaitGroup
	ledMu   sync.Mutex
	led     map[string]bool
	news    int64
	round   time.Time // of the last look into the bucket
}

func (s *epochWork) run(ctx context.Context) error {
	defer s.leave(ctx)
	s.round = time.Now()
	s.announceState(ctx)
	alive, news, beat, renew := time.NewTicker(aliveTick), time.NewTicker(newsTick), time.NewTicker(beatTick), time.NewTicker(app.RenewTick)
	defer alive.Stop()
	defer news.Stop()
	defer beat.Stop()
	defer renew.Stop()
	for {
		select {
		case <-ctx.Done():
			s.Logger.Info("worker stops: it takes no more jobs, and what is being sent or stored comes to its end", "worker", s.name, "drain", s.settings.Drain)
			return context.Cause(ctx)
		case <-alive.C:
			if alive, err := s.admission.Alive(ctx); err == nil && !alive {
				return errEpochOver
			}
		case <-news.C:
			s.readNews(ctx)
		case <-beat.C:
			s.announceState(ctx)
		case <-renew.C:
			if err := s.stillServes(ctx); err != nil {
				return err
			}
		case <-s.settled:
			s.announceState(ctx)
		}
	}
}

// stillServes ends the work where the workers of another Redis have taken the bucket.
func (s *epochWork) stillServes(ctx context.Context) error {
	if s.Serving == nil {
		return nil
	}
	err := s.Serving.Check(ctx)
	if _, refused := errors.AsType[*job.InputError](err); refused {
		return err
	}
	if err != nil && ctx.Err() == nil {
		s.Logger.WarnContext(ctx, "redis not noted in the bucket, trying again", "err", err)
	}
	return nil
}

// readNews looks into the bucket when there is news, and now and then without.
func (s *epochWork) readNews(ctx context.Context) {
	news, err := s.fleet.News(ctx)
	if err != nil || news == s.news && time.Since(s.round) < roundTick {
		return // Redis is away, and everything waits for it; or nothing is new
	}
	if err := s.refresh(ctx); err != nil {
		s.note("", err.Error())
		s.Logger.WarnContext(ctx, "submissions not read, trying again", "err", err)
		return
	}
	s.note("", "")
	s.news, s.round = news, time.Now()
	s.newsRead.Store(news)
	s.startLanes(ctx)
	s.leadAll(ctx)
	s.announceState(ctx) // somebody may wait for it
}

// announceState tells the others what this worker does and knows.
func (s *epochWork) announceState(ctx context.Context) {
	if err := s.fleet.WriteHeartbeat(ctx, s.heartbeat(ctx)); err != nil && ctx.Err() == nil {
		s.Logger.DebugContext(ctx, "heartbeat not written", "err", err)
	}
	s.shareKeyIDs(ctx)
	for _, batch := range s.knownList() {
		if held := s.known(batch); held != nil {
			if err := s.writeWork(ctx, held); err != nil && ctx.Err() == nil {
				s.Logger.DebugContext(ctx, "requests and waits not counted yet", "batch_id", batch, "err", err)
			}
		}
	}
}

// shareKeyIDs tells the others what the provider calls the API keys, and learns it from
// them: where a reply was lost, the run shows who has started it.
func (s *epochWork) shareKeyIDs(ctx context.Context) {
	known, err := s.fleet.ProviderKeyIDs(ctx)
	if err != nil {
		s.keyIDsNotShared(ctx, err)
		return
	}
	for _, l := range s.laneList() {
		l.api.Keys.LearnSeen(known)
		if err := s.fleet.ShareProviderKeyIDs(ctx, known, l.api.Keys.Seen()); err != nil {
			s.keyIDsNotShared(ctx, err)
		}
	}
}

func (s *epochWork) keyIDsNotShared(ctx context.Context, err error) {
	if ctx.Err() == nil {
		s.Logger.DebugContext(ctx, "what the provider calls API keys not shared yet", "err", err)
	}
}

// startLanes starts the lanes that have become known in this epoch.
func (s *epochWork) startLanes(ctx context.Context) {
	for _, l := range s.laneList() {
		if l.engine.Load() != nil {
			continue
		}
		e, err := s.newEngine(ctx, l)
		if err == nil {
			err = e.start(ctx, s.settings)
		}
		if err != nil {
			s.Logger.ErrorContext(ctx, "lane not started, trying again", "lane", l.name, "err", err)
			continue
		}
		l.engine.Store(e)
	}
}

// leadAll sees to it that somebody leads each batch: this worker, or another.
func (s *epochWork) leadAll(ctx context.Context) {
	s.ledMu.Lock()
	defer s.ledMu.Unlock()
	for _, batch := range s.knownList() {
		if s.led[batch] {
			continue
		}
		s.led[batch] = true
		s.leaders.Go(func() {
			for !s.ledToEnd(ctx, batch) {
				s.lead(ctx, batch)
			}
		})
	}
}

// ledToEnd reports whether there is nothing more to lead. A batch that is opened
// again after that is found by leadAll.
func (s *epochWork) ledToEnd(ctx context.Context, batch string) bool {
	s.ledMu.Lock()
	defer s.ledMu.Unlock()
	if ctx.Err() == nil && s.known(batch) != nil {
		return false
	}
	delete(s.led, batch)
	return true
}

// leave tells the others that this worker is gone.
func (s *epochWork) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), app.PingTime)
	defer cancel()
	if err := s.fleet.Leave(ctx, s.name); err != nil {
		s.Logger.DebugContext(ctx, "leaving not written to redis", "err", err)
	}
}

// stopLanes stops all lanes at the same time.
func (w *Worker) stopLanes() {
	var stopping sync.WaitGroup
	for _, l := range w.laneList() {
		stopping.Go(l.stop)
	}
	stopping.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.lanes {
		l.engine.Store(nil)
	}
}

func (w *Worker) laneList() []*lane {
	w.mu.RLock()
	defer w.mu.RUnlock()
	lanes := make([]*lane, 0, len(w.lanes))
	for _, l := range w.lanes {
		lanes = append(lanes, l)
	}
	return lanes
}

// joinBeating is joinEpoch while the others see that this worker is there.
func (w *Worker) joinBeating(ctx context.Context) error {
	beating, stop := context.WithCancel(ctx)
	var beats sync.WaitGroup
	defer beats.Wait()
	defer stop()
	beats.Go(func() {
		for beating.Err() == nil {
			if err := w.fleet.WriteHeartbeat(beating, w.heartbeat(beating)); err != nil && beating.Err() == nil {
				w.Logger.DebugContext(ctx, "heartbeat not written", "err", err)
			}
			rest(beating, beatTick)
		}
	})
	return w.joinEpoch(ctx)
}

// joinEpoch takes part in the epoch that Redis is in. If there is none, one worker
// restores what Redis lost, and the others wait for it.
func (w *Worker) joinEpoch(ctx context.Context) error {
	for {
		joined, err := w.admission.Join(ctx)
		if err != nil || joined {
			return err
		}
		lease, err := w.member.Hold(ctx, restoreLease)
		if err != nil {
			return err
		}
		if lease != nil {
			return w.restoreAlone(ctx, lease)
		}
		w.note("", "another process restores what Redis lost")
		rest(ctx, restorePause)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

func (w *Worker) restoreAlone(ctx context.Context, lease *fleet.Lease) error {
	defer dropLease(ctx, lease, w.Logger)
	ctx, cancel := lease.While(ctx)
	defer cancel()
	joined, err := w.admission.Join(ctx) // somebody may just have done it
	if err != nil || joined {
		return err
	}
	// With what Redis lost went the claim, too, and another bucket may have come first.
	if _, err := app.ClaimFleet(ctx, fleet.NewClaims(w.Redis), w.settings.Fleet, w.Bucket); err != nil {
		return err
	}
	if err := w.refresh(ctx); err != nil { // much may have happened while this waited
		return err
	}
	w.note("", "it counts what was spent and what runs, which Redis does not know")
	w.Logger.InfoContext(ctx, "redis knows of nothing; counting what was spent and what runs")
	return w.restoreAll(ctx)
}
