package chaos

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// link is a TCP connection between two parts that can be slowed down, cut, or made
// to swallow everything.
type link struct {
	name     string
	target   string
	listener net.Listener

	mu    sync.Mutex
	state linkState
	delay time.Duration
	conns map[net.Conn]bool
	pumps sync.WaitGroup
}

type linkState string

const (
	linkOpen linkState = "open"
	linkSlow linkState = "slow" // every piece is late by the delay
	linkCut  linkState = "cut"  // connections are reset and new ones too
	linkHole linkState = "hole" // nothing arrives and nothing is said; reset when it ends
)

func newLink(t *testing.T, name, target string) *link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("make link %s: %v", name, err)
	}
	l := &link{name: name, target: target, listener: listener, state: linkOpen, conns: make(map[net.Conn]bool)}
	l.pumps.Go(l.accept)
	t.Cleanup(func() {
		_ = listener.Close() // ends accept
		l.reset()
		l.pumps.Wait()
	})
	return l
}

func (l *link) addr() string { return l.listener.Addr().String() }

// set changes the state. Leaving a hole resets what was in it, as a partition that
// lasts longer than the patience of both ends does.
func (l *link) set(state linkState, delay time.Duration) {
	l.mu.Lock()
	before := l.state
	l.state, l.delay = state, delay
	l.mu.Unlock()
	if state == linkCut || before == linkHole {
		l.reset()
	}
}

func (l *link) now() (linkState, time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, l.delay
}

func (l *link) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		closeHard(c)
	}
	clear(l.conns)
}

func closeHard(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset; the connection may be gone already
	}
	_ = c.Close()
}

func (l *link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return // closed
		}
		if state, _ := l.now(); state == linkCut {
			closeHard(near)
			continue
		}
		l.pumps.Go(func() { l.serve(near) })
	}
}

func (l *link) serve(near net.Conn) {
	far, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(context.Background(), "tcp", l.target)
	if err != nil {
		closeHard(near)
		return
	}
	l.mu.Lock()
	l.conns[near], l.conns[far] = true, true
	l.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { l.pump(far, near) })
	both.Go(func() { l.pump(near, far) })
	both.Wait()
	l.mu.Lock()
	delete(l.conns, near)
	delete(l.conns, far)
	l.mu.Unlock()
}

// pump copies one direction until either end closes.
func (l *link) pump(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			state, delay := l.now()
			if state == linkHole {
				_, _ = io.Copy(io.Discard, from) // until the end of the hole resets it
				return
			}
			if state == linkSlow {
				<-time.After(delay)
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
