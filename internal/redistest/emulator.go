package redistest

import (
	"context"
	"net"
	"nightshift/internal/redisclient"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// MostConns is how many connections a client in a synctest bubble may have: more than are in
// use at a time. Who waits for one takes a timer from a pool that all bubbles share, and
// that of another bubble ends the process.
const MostConns = 500

// Emulator returns a miniredis and a client that reaches it without a socket, so
// that both also work inside a synctest bubble.
func Emulator(t testing.TB) (*miniredis.Miniredis, redis.UniversalClient) {
	t.Helper()
	server := miniredis.NewMiniRedis()
	server.ClockTTL(true)
	client := redis.NewClient(&redis.Options{
		Addr:            "127.0.0.1:6379", // never dialled; a name would be looked up, outside the bubble
		Dialer:          func(context.Context, string, string) (net.Conn, error) { return redisclient.Dial(server) },
		Protocol:        2,
		DisableIdentity: true,
		PoolSize:        MostConns,
	})
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Errorf("close client: %v", err)
		}
		server.Close()
	})
	return server, client
}

// Both runs a test on the emulator and on a real Redis.
func Both(t *testing.T, test func(t *testing.T, client redis.UniversalClient)) {
	t.Run("miniredis", func(t *testing.T) {
		t.Parallel()
		_, client := Emulator(t)
		test(t, client)
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		test(t, Start(t).Client(t))
	})
}
