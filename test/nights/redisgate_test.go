package nights

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"nightshift/internal/redisclient"
	"nightshift/internal/redistest"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// gate is what all reach the night's Redis by. While it is shut the server is away.
type gate struct {
	mu    sync.Mutex
	shut  bool
	conns []net.Conn
}

// dialRedis connects to the night's Redis. To one that is away it makes a connection that is
// closed already: whoever sleeps here holds a lock of the client, and a lock that is waited
// for lets no virtual time pass.
func (p *place) dialRedis() (net.Conn, error) {
	g := &p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		near, far := net.Pipe()
		return goneConn{near}, far.Close()
	}
	conn, err := redisclient.Dial(p.redis)
	if err != nil {
		return nil, err
	}
	g.conns = append(g.conns, conn)
	return conn, nil
}

// throughGate is a client that finds Redis away where it is.
func (p *place) throughGate() redis.UniversalClient {
	p.t.Helper()
	// The client of a server looks whether a connection is dead before it uses it; that of a
	// pipe cannot, so that few are kept.
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", Protocol: 2, DisableIdentity: true, MaxIdleConns: 2, PoolSize: redistest.MostConns,
		Dialer: func(context.Context, string, string) (net.Conn, error) { return p.dialRedis() }})
	client.AddHook(resetHook{})
	p.t.Cleanup(func() { _ = client.Close() }) // its connections may be closed already
	return client
}

// resetHook lets the end of a connection look as that of a server does. It is made so above
// the client's retries, which wait under a lock for some errors.
type resetHook struct{}

// DialHook is part of redis.Hook.
func (resetHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook is part of redis.Hook.
func (resetHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := asReset(next(ctx, cmd))
		cmd.SetErr(asReset(cmd.Err()))
		return err
	}
}

// ProcessPipelineHook is part of redis.Hook.
func (resetHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := asReset(next(ctx, cmds))
		for _, cmd := range cmds {
			cmd.SetErr(asReset(cmd.Err()))
		}
		return err
	}
}

func asReset(err error) error {
	if errors.Is(err, io.ErrClosedPipe) {
		return &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	return err
}

// goneConn is a connection to nobody. Its error is one after which the client waits before
// it tries again.
type goneConn struct{ net.Conn }

func (goneConn) Write([]byte) (int, error) { return 0, io.EOF }

// stop takes the server away.
func (g *gate) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = true
	for _, conn := range g.conns {
		_ = conn.Close() // the other side may have closed it
	}
	g.conns = nil
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = false
}

// Where a copy of the state of Redis is kept, as a disk would.
const redisDisk = 1

// saveRedis writes the state of Redis to its disk.
func (p *place) saveRedis(ctx context.Context) error {
	p.redis.DB(redisDisk).FlushDB()
	for _, key := range p.redis.Keys() {
		if err := p.client.Do(ctx, "COPY", key, key, "DB", strconv.Itoa(redisDisk), "REPLACE").Err(); err != nil && !errors.Is(err, redis.Nil) {
			return fmt.Errorf("copy %s: %w", key, err)
		}
	}
	return nil
}

// restartRedis starts Redis anew from its disk. It is another process then, which scripts
// see by its run id; the emulator has none, so what was noted of it is made another.
func (p *place) restartRedis() error {
	p.gate.stop()
	p.redis.FlushDB()
	p.redis.SwapDB(0, redisDisk)
	for _, key := range p.redis.Keys() {
		if !strings.HasSuffix(key, ":epoch") {
			continue
		}
		begun, err := p.redis.Get(key)
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		token, _, _ := strings.Cut(begun, " ")
		if err := p.redis.Set(key, token+" before"); err != nil {
			return fmt.Errorf("write %s: %w", key, err)
		}
	}
	p.gate.open()
	return nil
}
