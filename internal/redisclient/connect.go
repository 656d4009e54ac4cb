package redisclient

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Connect connects to the server, the Cluster or the Sentinels of an address, which has
// this long for its first answer. Errors say what is wrong, and never hold the address,
// which may hold a password.
func Connect(ctx context.Context, address string, patience time.Duration) (redis.UniversalClient, error) {
	client, at, err := open(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(unanswered(ctx, at, err), client.Close())
	}
	client.AddHook(explaining{at})
	return client, nil
}

// open makes the client that an address asks for, in the forms that go-redis
// documents; at names the server without its password.
func open(address string) (client redis.UniversalClient, at string, err error) {
	if rawPassword(address) {
		return nil, "", errRawPassword
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, "", errAddress
	}
	switch query := u.Query(); {
	case query.Has("master_name"):
		options, err := redis.ParseFailoverURL(address)
		if err != nil {
			return nil, "", errAddress
		}
		return redis.NewFailoverClient(options), strings.Join(options.SentinelAddrs, ", "), nil
	case query.Has("addr"):
		options, err := redis.ParseClusterURL(address)
		if err != nil {
			return nil, "", errAddress
		}
		return redis.NewClusterClient(options), strings.Join(options.Addrs, ", "), nil
	default:
		options, err := redis.ParseURL(address)
		if err != nil {
			return nil, "", errAddress
		}
		return redis.NewClient(options), options.Addr, nil
	}
}

// At is where the Redis of an address is, for people.
func At(address string) string {
	client, at, err := open(address)
	if err != nil {
		return "an address that cannot be read"
	}
	_ = client.Close() // it was never used
	return at
}

// mostConns are more connections to a Redis in this process than are in use at a time. They
// cost next to nothing, and nobody waits for one.
const mostConns = 500

// Embedded is a Redis inside this process, reached by in-memory connections:
// no port is opened. What it holds is gone with the process, so everything that a
// later run needs is in the bucket or at the provider.
func Embedded() (client redis.UniversalClient, server *miniredis.Miniredis, stop func() error) {
	server = miniredis.NewMiniRedis()
	stopClock := KeepTime(server)
	client = redis.NewClient(&redis.Options{
		Addr:            "127.0.0.1:0", // never dialled
		Dialer:          func(context.Context, string, string) (net.Conn, error) { return Dial(server) },
		Protocol:        2,
		DisableIdentity: true,
		PoolSize:        mostConns,
	})
	return client, server, func() error {
		stopClock()
		err := client.Close()
		server.Close()
		return err
	}
}
