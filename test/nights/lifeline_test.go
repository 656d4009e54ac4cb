package nights

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/bucket"
	"nightshift/internal/redisclient"
	"nightshift/internal/redistest"
)

var errDead = errors.New("process was killed")

// lifeline is what a worker reaches the world by: Redis, the image API and the bucket.
// Once it is cut, whatever the worker still does reaches nobody, as if it had been killed;
// while it is frozen nothing goes on, as after SIGSTOP.
type lifeline struct {
	member *member
	place  *place
	// limbo is an empty Redis that nobody looks at. Without any a dead worker would dial
	// without end, which virtual time does not survive.
	limbo *miniredis.Miniredis
	// leaving, if set, is told of each request to the API that is about to leave.
	leaving func(*lifeline, *http.Request)

	mu     sync.Mutex
	cut    bool
	fuse   int // steps until it is cut by itself; 0 for never
	lonely bool
	thawed chan struct{}
	conns  []net.Conn
}

// mortal starts a worker that can be killed and frozen.
func (p *place) mortal() *lifeline {
	p.t.Helper()
	return p.mortalTold(nil)
}

// mortalTold is mortal, and tells of each request to the API that is about to leave.
func (p *place) mortalTold(leaving func(*lifeline, *http.Request)) *lifeline {
	p.t.Helper()
	l := &lifeline{place: p, leaving: leaving}
	l.limbo, _ = redistest.Emulator(p.t)
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", Dialer: l.dial, Protocol: 2, DisableIdentity: true, PoolSize: redistest.MostConns})
	client.AddHook(resetHook{})
	client.AddHook(l)
	l.member = p.memberWith(l, client, l.bucket)
	p.t.Cleanup(func() {
		l.thaw()
		l.member.stop()
		_ = client.Close() // its connections may be closed already
	})
	return l
}

// kill ends the worker as kill -9 does.
func (l *lifeline) kill() {
	l.mu.Lock()
	l.cut = true
	for _, conn := range l.conns {
		_ = conn.Close() // the client may have closed it
	}
	l.mu.Unlock()
	l.thaw()
	l.member.cancel()
}

// killAfter kills the worker when it has taken so many steps more, each of which is a
// request to Redis, to the API or to the bucket, or its answer.
func (l *lifeline) killAfter(steps int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fuse = steps
}

// freeze lets no step of the worker happen until it is thawed.
func (l *lifeline) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.thawed == nil && !l.cut {
		l.thawed = make(chan struct{})
	}
}

func (l *lifeline) thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.thawed != nil {
		close(l.thawed)
		l.thawed = nil
	}
}

// isolate takes the image API away from the worker, and from nobody else, or gives it back.
func (l *lifeline) isolate(lonely bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lonely = lonely
}

// unreached is the error of a worker that does not reach the image API.
func (l *lifeline) unreached() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.lonely {
		return nil
	}
	return &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("no route to host")}
}

// step is taken before and after whatever leaves the process. It fails in a dead one.
func (l *lifeline) step() error {
	l.mu.Lock()
	last := false
	if l.fuse > 0 && !l.cut {
		l.fuse--
		last = l.fuse == 0
	}
	l.mu.Unlock()
	if last {
		l.kill()
	}
	if l.isCut() {
		return errDead
	}
	return nil
}

// pass waits while the worker is frozen.
func (l *lifeline) pass() {
	l.mu.Lock()
	thawed := l.thawed
	l.mu.Unlock()
	if thawed != nil {
		<-thawed
	}
}

// DialHook is part of redis.Hook.
func (l *lifeline) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook is part of redis.Hook.
func (l *lifeline) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		// What begins a connection is under a lock of the client, and a lock that is waited
		// for lets no virtual time pass.
		if !slices.Contains([]string{"hello", "client", "ping"}, cmd.Name()) {
			l.pass()
		}
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook is part of redis.Hook.
func (l *lifeline) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if !slices.ContainsFunc(cmds, func(cmd redis.Cmder) bool { return cmd.Name() == "client" }) {
			l.pass()
		}
		return next(ctx, cmds)
	}
}

func (l *lifeline) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

// alive reports whether the worker was neither killed nor has ended.
func (l *lifeline) alive() bool {
	select {
	case <-l.member.over:
		return false
	default:
		return !l.isCut()
	}
}

func (l *lifeline) dial(context.Context, string, string) (net.Conn, error) {
	if l.isCut() {
		return redisclient.Dial(l.limbo)
	}
	conn, err := l.place.dialRedis()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, conn)
	return &lifeConn{Conn: conn, l: l}, nil
}

// lifeConn is a connection to Redis on a lifeline.
type lifeConn struct {
	net.Conn
	l *lifeline
}

func (c *lifeConn) Write(data []byte) (int, error) {
	if err := c.l.step(); err != nil {
		return 0, err
	}
	return c.Conn.Write(data)
}

func (c *lifeConn) Read(data []byte) (int, error) {
	read, err := c.Conn.Read(data)
	if dead := c.l.step(); dead != nil {
		return 0, dead
	}
	return read, err
}

// RoundTrip is part of http.RoundTripper.
func (l *lifeline) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.leaving != nil {
		l.leaving(l, r)
	}
	l.pass()
	if err := errors.Join(l.step(), l.unreached()); err != nil {
		return nil, err
	}
	response, err := l.place.wire.RoundTrip(r)
	if dead := l.step(); dead != nil {
		if err == nil {
			dead = errors.Join(dead, response.Body.Close())
		}
		return nil, dead
	}
	if err != nil {
		return nil, fmt.Errorf("on the wire: %w", err)
	}
	response.Body = &lifeBody{response.Body, l}
	return response, nil
}

// lifeBody is the body of a response on a lifeline.
type lifeBody struct {
	io.ReadCloser
	l *lifeline
}

func (b *lifeBody) Read(data []byte) (int, error) {
	read, err := b.ReadCloser.Read(data)
	if dead := b.l.step(); dead != nil {
		return 0, dead
	}
	return read, err
}

// bucket is the night's bucket as the worker reaches it.
func (l *lifeline) bucket(b bucket.Objects) bucket.Objects {
	return &lifeBucket{Objects: b, l: l}
}
