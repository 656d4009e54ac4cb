package redistest_test

import (
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/redistest"
)

func TestServersAreApartAndEndWithTheirTest(t *testing.T) {
	t.Parallel()
	var addr string
	t.Run("inner", func(t *testing.T) {
		one, two := redistest.Start(t), redistest.Start(t)
		addr = one.Addr()
		if err := one.Client(t).Set(t.Context(), "name", "one", 0).Err(); err != nil {
			t.Fatal(err)
		}
		if n := two.Client(t).Exists(t.Context(), "name").Val(); n != 0 {
			t.Error("the second server sees the first one's data")
		}
	})
	if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
		_ = conn.Close()
		t.Error("the server still listens after its test")
	}
}

func TestRestartKeepsTheData(t *testing.T) {
	t.Parallel()
	server := redistest.StartKept(t)
	client := server.Client(t)
	if err := client.Set(t.Context(), "name", "kept", 0).Err(); err != nil {
		t.Fatal(err)
	}
	before := client.Info(t.Context(), "server").Val()
	server.Restart(t)
	if got := client.Get(t.Context(), "name").Val(); got != "kept" {
		t.Errorf("got %q after a restart, want what was written before", got)
	}
	if client.Info(t.Context(), "server").Val() == before {
		t.Error("it is the same process")
	}
}

func TestKilledServerIsGoneUntilItIsRestarted(t *testing.T) {
	t.Parallel()
	server := redistest.StartKept(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1, DialerRetries: 1})
	defer func() { _ = client.Close() }() // nothing is lost with it
	if err := client.Set(t.Context(), "name", "kept", 0).Err(); err != nil {
		t.Fatal(err)
	}
	server.Kill(t)
	if err := client.Ping(t.Context()).Err(); err == nil {
		t.Error("the killed server answers")
	}
	server.Restart(t)
	if got := client.Get(t.Context(), "name").Val(); got != "kept" {
		t.Errorf("got %q after a kill, want what was written before", got)
	}
}

func TestFrozenServerAnswersWhenItIsThawed(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1, ReadTimeout: 100 * time.Millisecond})
	defer func() { _ = client.Close() }() // nothing is lost with it
	server.Freeze(t)
	if err := client.Ping(t.Context()).Err(); err == nil {
		t.Error("the frozen server answers")
	}
	server.Thaw(t)
	if err := server.Client(t).Ping(t.Context()).Err(); err != nil {
		t.Errorf("the thawed server: %v", err)
	}
}
