package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/config"
	"nightshift/internal/job"
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
		client, embedded, stop = EmbeddedRedis()
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
	client, err := connectServer(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config.RedisVariable, err)
	}
	return client, nil
}

// connectServer is [ServerRedis] without the variable's name in its errors.
func connectServer(ctx context.Context, s config.Settings) (redis.UniversalClient, error) {
	client, at, err := redisClient(s.Redis.Reveal())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, PingTime)
	defer cancel()
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(unanswered(ctx, at, err), client.Close())
	}
	client.AddHook(explaining{at})
	return client, nil
}

// redisClient makes the client that an address asks for, in the forms that go-redis
// documents; at names the server without its password.
func redisClient(address string) (client redis.UniversalClient, at string, err error) {
	if rawPassword(address) {
		return nil, "", errRawPassword
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, "", errRedisAddress
	}
	switch query := u.Query(); {
	case query.Has("master_name"):
		options, err := redis.ParseFailoverURL(address)
		if err != nil {
			return nil, "", errRedisAddress
		}
		return redis.NewFailoverClient(options), strings.Join(options.SentinelAddrs, ", "), nil
	case query.Has("addr"):
		options, err := redis.ParseClusterURL(address)
		if err != nil {
			return nil, "", errRedisAddress
		}
		return redis.NewClusterClient(options), strings.Join(options.Addrs, ", "), nil
	default:
		options, err := redis.ParseURL(address)
		if err != nil {
			return nil, "", errRedisAddress
		}
		return redis.NewClient(options), options.Addr, nil
	}
}

// RedisAt is where the Redis of the settings is, for people.
func RedisAt(s config.Settings) string {
	client, at, err := redisClient(s.Redis.Reveal())
	if err != nil {
		return "an address that cannot be read"
	}
	_ = client.Close() // it was never used
	return at
}

// EmbeddedRedis is a Redis inside this process, reached by in-memory connections:
// no port is opened. What it holds is gone with the process, so everything that a
// later run needs is in the bucket or at the provider.
func EmbeddedRedis() (client redis.UniversalClient, server *miniredis.Miniredis, stop func() error) {
	server = miniredis.NewMiniRedis()
	stopClock := KeepTime(server)
	client = redis.NewClient(&redis.Options{
		Addr:            "127.0.0.1:0", // never dialled
		Dialer:          func(context.Context, string, string) (net.Conn, error) { return server.Dial() },
		Protocol:        2,
		DisableIdentity: true,
	})
	return client, server, func() error {
		stopClock()
		err := client.Close()
		server.Close()
		return err
	}
}
