package app

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/redisclient"
)

// PingTime bounds the first answer of a Redis server.
const PingTime = 5 * time.Second

// OpenRedis connects to the server that the settings name, or starts an embedded
// one; embedded is nil for a server.
func OpenRedis(ctx context.Context, p Process, s config.Settings) (client redis.UniversalClient, embedded *miniredis.Miniredis, stop func() error, err error) {
	if p.Redis != nil {
		return p.Redis, nil, func() error { return nil }, nil
	}
	if s.Redis == "" {
		client, embedded, stop = redisclient.Embedded()
		return client, embedded, stop, nil
	}
	server, err := ServerRedis(ctx, s)
	if err != nil {
		return nil, nil, nil, &job.InputError{Err: err}
	}
	return server, nil, server.Close, nil
}

// ServerRedis connects to a Redis server, to a Cluster, or by Sentinels. Its errors
// never hold the address, which may hold a password.
func ServerRedis(ctx context.Context, s config.Settings) (redis.UniversalClient, error) {
	client, err := redisclient.Connect(ctx, s.Redis.Reveal(), PingTime)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config.RedisVariable, err)
	}
	return client, nil
}
