package nights

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/redistest"
	"nightshift/internal/simulator"
)

var errDead = errors.New("process was killed")

// lifeline is what a worker reaches the world by. Once it is cut, whatever the worker still
// does reaches nobody.
type lifeline struct {
	place *place
	// limbo is an empty Redis that nobody looks at. Without any a dead worker would dial
	// without end, which virtual time does not survive.
	limbo *miniredis.Miniredis

	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

// killable starts a worker that kill ends as kill -9 does.
func (p *place) killable() (kill func()) {
	p.t.Helper()
	l := &lifeline{place: p}
	l.limbo, _ = redistest.Emulator(p.t)
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", Dialer: l.dial, Protocol: 2, DisableIdentity: true})
	m := p.memberWith(l, client)
	p.t.Cleanup(func() {
		m.stop()
		_ = client.Close() // its connections may be closed already
	})
	return func() {
		l.mu.Lock()
		l.cut = true
		for _, conn := range l.conns {
			_ = conn.Close() // the client may have closed it
		}
		l.mu.Unlock()
		m.cancel()
	}
}

func (l *lifeline) dial(context.Context, string, string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return l.limbo.Dial()
	}
	conn, err := l.place.redis.Dial()
	l.conns = append(l.conns, conn)
	return conn, err
}

func (l *lifeline) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.isCut() {
		return nil, errDead
	}
	response, err := l.place.wire.RoundTrip(r)
	if err == nil && l.isCut() {
		return nil, errors.Join(errDead, response.Body.Close())
	}
	return response, err
}

func (l *lifeline) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

// TestKilledWorker is a batch of 200 jobs of 30 s each for two workers, with lost replies.
// One of them is killed in the middle of the second wave.
func TestKilledWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, simulator.Options{Latency: simulator.Between(30*time.Second, 30*time.Second), Parallel: 50, Seed: 1, RequestsPerMinute: 300}, etchings(200))
		if err := n.sim.SetFaults(lostReplies(0.1)...); err != nil {
			t.Fatal(err)
		}
		kill := n.killable()
		n.member()
		n.submit()
		n.until("the second wave has begun", 2*time.Minute, func() bool { return len(n.sim.Ledger()) > 55 })
		kill()
		n.over(time.Hour)
		n.noneFailed()
		n.paidOnce()
		n.allStored()
	})
}
