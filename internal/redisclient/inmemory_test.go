package redisclient_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/redisclient"
)

// A pipeline that is longer than what any side reads at once comes to its end, at once.
func TestLongPipelines(t *testing.T) {
	t.Parallel()
	client, _, stop := redisclient.Embedded()
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	value := strings.Repeat("x", 300)
	began := time.Now()
	pipe := client.Pipeline()
	read := make([]*redis.StringCmd, 3000)
	pipe.Set(t.Context(), "key", value, 0)
	for i := range read {
		read[i] = pipe.Get(t.Context(), "key")
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatalf("after %s: %v", time.Since(began), err)
	}
	for _, got := range read {
		if got.Val() != value {
			t.Fatalf("read %q", got.Val())
		}
	}
}

// Who writes to a connection that is closed hears of it.
func TestClosedConnection(t *testing.T) {
	t.Parallel()
	server := miniredis.NewMiniRedis()
	defer server.Close()
	conn, err := redisclient.Dial(server)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if _, err := conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write: %v", err)
	}
}
