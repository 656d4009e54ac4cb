package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/backoff"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/redisclient"
	"nightshift/internal/telemetry"
)

// OpenBucket opens the bucket of a fleet.
func OpenBucket(ctx context.Context, s config.Settings, logger *slog.Logger) (bucket.Objects, error) {
	if s.Bucket == "" {
		return nil, &job.InputError{Err: &job.HintedError{
			Err:  fmt.Errorf("%s: not set; it is where the fleet keeps its batches", config.BucketVariable),
			Hint: "set it to s3://bucket/prefix, or to file:///path for a folder on this machine; enqueue run needs none",
		}}
	}
	where, err := bucket.ParseLocation(s.Bucket)
	if err != nil {
		return nil, &job.InputError{Err: fmt.Errorf("%s: %w", config.BucketVariable, err)}
	}
	if where.Bucket == "" {
		b, err := bucket.NewLocal(where.Folder)
		if err != nil {
			return nil, &job.InputError{Err: err}
		}
		return b, nil
	}
	b, err := bucket.NewS3(ctx, bucket.S3Options{
		Bucket: where.Bucket, Prefix: where.Prefix, Workers: s.SubmitSlots + 2*s.CollectSlots, Logger: logger,
	})
	if err != nil {
		return nil, &job.InputError{Err: fmt.Errorf("%s: %w", config.BucketVariable, err)}
	}
	return b, nil
}

// InFolder opens the folder that --out names, or else the settings.
func InFolder(out string) BucketOpener {
	return func(_ context.Context, s config.Settings, _ *slog.Logger) (bucket.Objects, error) {
		b, err := bucket.NewLocal(folderOf(s, out))
		if err != nil {
			return nil, &job.InputError{Err: err}
		}
		return b, nil
	}
}

// InBucket opens the folder that --out names, or else the fleet's bucket where there
// is one, or else the folder of the settings.
func InBucket(out string) BucketOpener {
	return func(ctx context.Context, s config.Settings, logger *slog.Logger) (bucket.Objects, error) {
		if out != "" || s.Bucket == "" {
			return InFolder(out)(ctx, s, logger)
		}
		return OpenBucket(ctx, s, logger)
	}
}

// FleetRedis connects to the Redis of a fleet, which must be a server. One that is not
// reached is waited for: a worker that is started while it is away, or restarted by a
// supervisor, is not set up wrongly.
func FleetRedis(ctx context.Context, p Process, s config.Settings, logger *slog.Logger) (redis.UniversalClient, error) {
	if p.Redis != nil {
		return p.Redis, nil
	}
	for {
		client, err := ConnectFleet(ctx, p, s)
		switch {
		case err == nil:
			return client, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !RedisFailed(err):
			return nil, &job.InputError{Err: fmt.Errorf("%s: %w", config.RedisVariable, err)}
		}
		logger.WarnContext(ctx, "redis is not reached, waiting for it", "err", err, "hint", job.Hint(err))
		_ = backoff.Sleep(ctx, redisRest) // ctx is looked at next
	}
}

// ConnectFleet connects to the Redis of a fleet once.
func ConnectFleet(ctx context.Context, p Process, s config.Settings) (redis.UniversalClient, error) {
	if p.Redis != nil {
		return p.Redis, nil
	}
	if s.Redis == "" {
		return nil, &job.HintedError{
			Err:  errors.New("not set; it is where the workers of a fleet meet"),
			Hint: "set it to an address such as redis://127.0.0.1:6379/0; enqueue run needs none",
		}
	}
	return redisclient.Connect(ctx, s.Redis.Reveal(), PingTime)
}

const redisRest = time.Second // before a Redis that was not reached is tried again

// NewLogger logs to w as the settings say; usual is the level where they name none.
func NewLogger(w io.Writer, s config.Settings, usual slog.Level) (*slog.Logger, error) {
	level, err := s.Level(usual)
	if err != nil {
		return nil, err
	}
	return telemetry.NewLogger(w, s.LogFormat, level), nil
}

// folderOf is the folder that batches go to.
func folderOf(s config.Settings, out string) string {
	if out != "" {
		return out
	}
	return s.Output
}

// BucketOpener opens the bucket that a command works in.
type BucketOpener func(ctx context.Context, s config.Settings, logger *slog.Logger) (bucket.Objects, error)
