package redisclient

import (
	"net"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// Dial connects to a Redis in this process. A pipe alone has no buffer: a pipeline that is
// longer than what the server reads at once would stand still, the client writing, and the
// server waiting for its first answer to be read.
func Dial(server *miniredis.Miniredis) (net.Conn, error) {
	conn, err := server.Dial()
	if err != nil {
		return nil, err
	}
	c := &bufferedConn{Conn: conn, wake: make(chan struct{}, 1), closed: make(chan struct{})}
	go c.send()
	return c, nil
}

// bufferedConn is a connection whose writes wait for nobody. A write that failed is told by
// the next one, and by the reader.
type bufferedConn struct {
	net.Conn
	wake   chan struct{} // there is something to send
	closed chan struct{}
	once   sync.Once

	mu      sync.Mutex
	waiting []byte
	err     error
}

func (c *bufferedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	c.waiting = append(c.waiting, p...)
	select {
	case c.wake <- struct{}{}:
	default: // what waits already is not sent yet
	}
	return len(p), nil
}

// send sends what was written, until the connection is closed.
func (c *bufferedConn) send() {
	for {
		select {
		case <-c.wake:
		case <-c.closed:
			return
		}
		if _, err := c.Conn.Write(c.take()); err != nil {
			c.fail(err)
			return
		}
	}
}

func (c *bufferedConn) take() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	written := c.waiting
	c.waiting = nil
	return written
}

func (c *bufferedConn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
}

func (c *bufferedConn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.fail(net.ErrClosed)
	})
	return c.Conn.Close()
}

// SetDeadline limits reading alone: nobody waits for a write.
func (c *bufferedConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline has nothing to limit.
func (c *bufferedConn) SetWriteDeadline(time.Time) error { return nil }
