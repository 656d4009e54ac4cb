package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/telemetry"
)

// openBucket opens the bucket of a fleet.
func openBucket(ctx context.Context, s config.Settings, logger *slog.Logger) (objects, error) {
	if s.Bucket == "" {
		return nil, &inputError{&job.HintedError{
			Err:  fmt.Errorf("%s: not set; it is where the fleet keeps its batches", config.BucketVariable),
			Hint: "set it to s3://bucket/prefix, or to file:///path for a folder on this machine; enqueue run needs none",
		}}
	}
	where, err := bucket.ParseLocation(s.Bucket)
	if err != nil {
		return nil, &inputError{fmt.Errorf("%s: %w", config.BucketVariable, err)}
	}
	if where.Bucket == "" {
		b, err := bucket.NewLocal(where.Folder)
		if err != nil {
			return nil, &inputError{err}
		}
		return b, nil
	}
	b, err := bucket.NewS3(ctx, bucket.S3Options{
		Bucket: where.Bucket, Prefix: where.Prefix, Workers: s.SubmitSlots + 2*s.CollectSlots, Logger: logger,
	})
	if err != nil {
		return nil, &inputError{fmt.Errorf("%s: %w", config.BucketVariable, err)}
	}
	return b, nil
}

// inFolder opens the folder that --out names, or else the settings.
func inFolder(out string) opener {
	return func(_ context.Context, s config.Settings, _ *slog.Logger) (objects, error) {
		b, err := bucket.NewLocal(folderOf(s, out))
		if err != nil {
			return nil, &inputError{err}
		}
		return b, nil
	}
}

// inBucket opens the folder that --out names, or else the fleet's bucket where there
// is one, or else the folder of the settings.
func inBucket(out string) opener {
	return func(ctx context.Context, s config.Settings, logger *slog.Logger) (objects, error) {
		if out != "" || s.Bucket == "" {
			return inFolder(out)(ctx, s, logger)
		}
		return openBucket(ctx, s, logger)
	}
}

// fleetRedis connects to the Redis of a fleet, which must be a server. One that is not
// reached is waited for: a worker that is started while it is away, or restarted by a
// supervisor, is not set up wrongly.
func fleetRedis(ctx context.Context, p Process, s config.Settings, logger *slog.Logger) (redis.UniversalClient, error) {
	if p.redis != nil {
		return p.redis, nil
	}
	for {
		client, err := connectFleet(ctx, p, s)
		switch {
		case err == nil:
			return client, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !redisFailed(err):
			return nil, &inputError{fmt.Errorf("%s: %w", config.RedisVariable, err)}
		}
		logger.WarnContext(ctx, "redis is not reached, waiting for it", "err", err)
		rest(ctx, redisRest)
	}
}

// connectFleet connects to the Redis of a fleet once.
func connectFleet(ctx context.Context, p Process, s config.Settings) (redis.UniversalClient, error) {
	if p.redis != nil {
		return p.redis, nil
	}
	if s.Redis == "" {
		return nil, &job.HintedError{
			Err:  errors.New("not set; it is where the workers of a fleet meet"),
			Hint: "set it to an address such as redis://127.0.0.1:6379/0; enqueue run needs none",
		}
	}
	return connectServer(ctx, s)
}

// redisRest is the pause before a Redis that was not reached is tried again.
const redisRest = time.Second

// newLogger logs to w as the settings say; usual is the level where they name none.
func newLogger(w io.Writer, s config.Settings, usual slog.Level) (*slog.Logger, error) {
	level, err := s.Level(usual)
	if err != nil {
		return nil, err
	}
	return telemetry.NewLogger(w, s.LogFormat, level), nil
}
