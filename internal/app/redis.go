package app

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// clockTick is how often the embedded Redis is told the time. Without that it
// reads the clock at every access and goes through all of its keys each time.
const clockTick = 50 * time.Millisecond

// embeddedRedis is a Redis inside this process, reached by in-memory connections:
// no port is opened. What it holds is gone with the process, so everything that a
// later run needs is in the bucket or at the provider.
func embeddedRedis() (client redis.UniversalClient, stop func() error) {
	server := miniredis.NewMiniRedis()
	server.ClockTTL(true)
	server.SetTime(time.Now())
	stopClock := keepTime(server)
	client = redis.NewClient(&redis.Options{
		Addr:            "127.0.0.1:0", // never dialled
		Dialer:          func(context.Context, string, string) (net.Conn, error) { return server.Dial() },
		Protocol:        2,
		DisableIdentity: true,
	})
	return client, func() error {
		stopClock()
		err := client.Close()
		server.Close()
		return err
	}
}

func keepTime(server *miniredis.Miniredis) (stop func()) {
	ended := make(chan struct{})
	var clock sync.WaitGroup
	clock.Go(func() {
		ticker := time.NewTicker(clockTick)
		defer ticker.Stop()
		for {
			select {
			case now := <-ticker.C:
				server.SetTime(now)
			case <-ended:
				return
			}
		}
	})
	return func() {
		close(ended)
		clock.Wait()
	}
}
