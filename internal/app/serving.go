package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/backoff"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/redisclient"
)

// servedKey is the object at the bucket's root that says which Redis its workers use. Two
// would each run all of its jobs, and pay for each twice.
const servedKey = "_nightshift/redis.json"

// servingBytes is more than it has.
const servingBytes = 1 << 10

const (
	// RenewTick is how often the notice is renewed. One that stays as it is for watchTime is
	// of a Redis that nobody uses any more: whoever does would have renewed it. So no two
	// clocks are compared.
	RenewTick = 10 * time.Second
	watchTime = 25 * time.Second
	watchRest = time.Second
	// settleTime is longer than it takes to write a notice where there was none: of two that
	// did so at once the later one holds, and both see that.
	settleTime = 500 * time.Millisecond
)

// served is what the object says.
type served struct {
	fleet.Server
	Address string    `json:"address"` // for people, as the machine sees it
	Machine string    `json:"machine"`
	Renewed time.Time `json:"renewed"` // by the clock of who wrote it
}

// Serving keeps a bucket to one Redis.
type Serving struct {
	// Waits is told that this looks whether another Redis is still used.
	Waits func(text string)

	claims   *fleet.Claims
	bucket   bucket.Objects
	identity string       // of the bucket
	address  string       // of the Redis, without a password
	known    fleet.Server // what this Redis was when it was last seen to serve the bucket
}

// NewServing keeps a bucket of this identity to the Redis of the settings.
func NewServing(client redis.UniversalClient, s config.Settings, b bucket.Objects, identity string) *Serving {
	return &Serving{
		Waits: func(string) {}, claims: fleet.NewClaims(client), bucket: b, identity: identity, address: redisclient.At(s.Redis.Reveal()),
	}
}

// Begin makes sure that the workers of no other Redis work on the bucket, and says in the
// bucket that those of this one do. Where the notice of another is there, it looks for a while
// whether that is renewed. Then it refuses; else it takes the bucket over.
func (s *Serving) Begin(ctx context.Context) error {
	first, ours, err := s.look(ctx)
	if err != nil {
		return err
	}
	if first.Same(ours) {
		return s.renew(ctx, ours)
	}
	if first != (served{}) {
		s.Waits(fmt.Sprintf("the bucket was used with the Redis at %s as %s sees it, which is not the one at %s, unless that has lost what it held; looking for up to %s whether it still is",
			first.Address, first.Machine, s.address, watchTime))
		if ours, err = s.watch(ctx, first); err != nil {
			return err
		}
	}
	if err := s.write(ctx, ours); err != nil {
		return err
	}
	if err := backoff.Sleep(ctx, settleTime); err != nil {
		return err
	}
	return s.Check(ctx)
}

// watch looks for a while whether a notice is renewed by the workers of another Redis. They
// may be those of this one, which was emptied: then they give it its name back.
func (s *Serving) watch(ctx context.Context, first served) (ours fleet.Server, err error) {
	for until := time.Now().Add(watchTime); ; {
		if err := backoff.Sleep(ctx, watchRest); err != nil {
			return ours, err
		}
		var now served
		if now, ours, err = s.look(ctx); err != nil {
			return ours, err
		}
		switch {
		case now == (served{}) || now.Same(ours) || time.Now().After(until):
			return ours, nil
		case !now.Renewed.Equal(first.Renewed) || !now.Same(first.Server):
			return ours, s.refuse(now)
		}
	}
}

// Check refuses a bucket that the workers of another Redis have taken, and renews the
// notice when it is time.
func (s *Serving) Check(ctx context.Context) error {
	now, ours, err := s.look(ctx)
	if err != nil {
		return err
	}
	if now != (served{}) && !now.Same(ours) {
		return s.refuse(now)
	}
	return s.renew(ctx, ours)
}

// renew writes the notice again, which one of all workers does when it is time.
func (s *Serving) renew(ctx context.Context, ours fleet.Server) error {
	s.known = ours
	renews, err := s.claims.Renews(ctx, s.identity, RenewTick*9/10)
	if err != nil || !renews {
		return err
	}
	return s.write(ctx, ours)
}

// look reads the notice, and which Redis this is. One that has lost its name with all else
// it held is known by its process, or by this process, which has used it before, and gets
// its name back.
func (s *Serving) look(ctx context.Context) (now served, ours fleet.Server, err error) {
	if now, err = readServed(ctx, s.bucket); err != nil {
		return now, ours, err
	}
	if ours, err = s.claims.NamedServer(ctx); err != nil {
		return now, ours, err
	}
	if now.Name != "" && now.Name != ours.Name && (now.Same(ours) || now.Same(s.known)) {
		ours.Name = now.Name
		err = s.claims.NameServer(ctx, ours.Name)
	}
	return now, ours, err
}

func (s *Serving) write(ctx context.Context, ours fleet.Server) error {
	machine, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("name this machine: %w", err)
	}
	data, err := json.Marshal(served{ours, s.address, machine, time.Now().UTC()})
	if err != nil {
		return err
	}
	return s.bucket.Put(ctx, servedKey, bytes.NewReader(data))
}

func (s *Serving) refuse(other served) error {
	return &job.InputError{Err: &job.HintedError{
		Err: fmt.Errorf("%s is worked on by workers of another Redis, at %s as %s sees it, and not of the one at %s: both would pay for each of its jobs",
			s.bucket.Path(""), other.Address, other.Machine, s.address),
		Hint: fmt.Sprintf("give all workers of a bucket the same %s; to move them to another Redis, stop all of the first, and %s later those of the other may start",
			config.RedisVariable, watchTime),
	}}
}

// ServedByAnother is the address of another Redis with which a bucket was last used; "" if
// there is none.
func ServedByAnother(ctx context.Context, f *fleet.Claims, b bucket.Objects) (string, error) {
	now, err := readServed(ctx, b)
	if err != nil || now == (served{}) {
		return "", err
	}
	ours, err := f.Server(ctx)
	if err != nil || now.Same(ours) {
		return "", err
	}
	return now.Address, nil
}

// readServed reads which Redis the workers of a bucket use; zero if none was noted.
func readServed(ctx context.Context, b bucket.Objects) (now served, err error) {
	body, err := b.Open(ctx, servedKey)
	if errors.Is(err, fs.ErrNotExist) {
		return now, nil
	}
	if err != nil {
		return now, err
	}
	defer body.Close() // only read from
	data, err := io.ReadAll(io.LimitReader(body, servingBytes))
	if err == nil && json.Unmarshal(data, &now) != nil {
		return served{}, nil // it is written anew
	}
	return now, err
}
