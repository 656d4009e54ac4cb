package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

type redisProcess struct {
	*process
	addr   string
	client *redis.Client
}

// startRedis starts one that keeps nothing on disk. A port that is taken in the
// meantime is an error.
func (l *lab) startRedis(ctx context.Context, room string) (*redisProcess, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("find a port for redis: %w", err)
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	p, err := l.start(ctx, room, "redis", nil, "redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", room)
	if err != nil {
		return nil, err
	}
	r := &redisProcess{p, addr, redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})}
	return r, until(ctx, p, func() (bool, error) { return r.client.Ping(ctx).Err() == nil, nil })
}

func (r *redisProcess) end() {
	_ = r.client.Close() // nothing is lost by it
	r.stop()
}

func (r *redisProcess) url() string { return "redis://" + r.addr + "/0" }

// memory is what the server has in use and at most had, in bytes.
func (r *redisProcess) memory(ctx context.Context) (used, peak int64, err error) {
	info, err := r.client.Info(ctx, "memory").Result()
	if err != nil {
		return 0, 0, fmt.Errorf("ask redis for its memory: %w", err)
	}
	if used, err = infoNumber(info, "used_memory"); err != nil {
		return 0, 0, err
	}
	peak, err = infoNumber(info, "used_memory_peak")
	return used, peak, err
}

// scripts is how many scripts the server has run.
func (r *redisProcess) scripts(ctx context.Context) (int64, error) {
	info, err := r.client.Info(ctx, "commandstats").Result()
	if err != nil {
		return 0, fmt.Errorf("ask redis for its commands: %w", err)
	}
	_, calls, _ := strings.Cut(info, "cmdstat_evalsha:calls=")
	calls, _, _ = strings.Cut(calls, ",")
	return strconv.ParseInt(calls, 10, 64)
}

// infoNumber reads a whole number of an answer to INFO.
func infoNumber(info, name string) (int64, error) {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return strconv.ParseInt(value, 10, 64)
		}
	}
	return 0, fmt.Errorf("redis does not tell %s", name)
}
