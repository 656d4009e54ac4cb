package main

import (
	"context"
	"errors"
	"path/filepath"
)

// side is one client at work with a simulator of its own: the product, or the plain
// client.
type side struct {
	*crew
	simulator *simulatorProcess
	redis     *redisProcess // nil beside the plain client
}

// openProduct starts simulator, Redis and the product on a new batch.
func (l *lab) openProduct(ctx context.Context, name string, jobs int, c conditions) (_ *side, err error) {
	s, room, manifest, err := l.openSide(ctx, name, jobs, c)
	defer s.closeOn(&err)
	if err != nil {
		return nil, err
	}
	if s.redis, err = l.startRedis(ctx, room); err != nil {
		return nil, err
	}
	s.crew, err = drivers[l.driver](ctx, l, task{room: room, manifest: manifest, api: s.simulator.url, redis: s.redis.url(), conditions: c})
	return s, err
}

// openPlain starts a simulator and the plain client on a new batch.
func (l *lab) openPlain(ctx context.Context, name string, jobs int, c conditions) (_ *side, err error) {
	s, room, manifest, err := l.openSide(ctx, name+"-plain", jobs, c)
	defer s.closeOn(&err)
	if err != nil {
		return nil, err
	}
	out := filepath.Join(room, "out")
	p, err := l.start(ctx, room, "plain", nil, l.self, plainCommand, s.simulator.url, manifest, out)
	if err != nil {
		return nil, err
	}
	s.crew = &crew{lead: p, workers: []*process{p}, images: out}
	return s, nil
}

func (l *lab) openSide(ctx context.Context, name string, jobs int, c conditions) (s *side, room, manifest string, err error) {
	s = new(side)
	if room, err = l.room(name, c.inMemory); err != nil {
		return s, "", "", err
	}
	if manifest, err = writeManifest(room, jobs); err != nil {
		return s, "", "", err
	}
	s.simulator, err = l.startSimulator(ctx, room, c)
	return s, room, manifest, err
}

// closeOn closes the side where an error keeps it from being used.
func (s *side) closeOn(err *error) {
	if *err != nil {
		s.close()
	}
}

// close ends all processes of the side.
func (s *side) close() {
	if s.crew != nil {
		s.stop()
	}
	if s.redis != nil {
		s.redis.end()
	}
	if s.simulator != nil {
		s.simulator.stop()
	}
}

// both does the same to the product and to the plain client at the same time. It is
// for measurements that wait for the API; those of processor time go one by one.
func both[T any](product, plain func() (T, error)) (ofProduct, ofPlain T, err error) {
	var plainErr error
	done := make(chan struct{})
	go func() {
		defer close(done)
		ofPlain, plainErr = plain()
	}()
	ofProduct, err = product()
	<-done
	return ofProduct, ofPlain, errors.Join(err, plainErr)
}
