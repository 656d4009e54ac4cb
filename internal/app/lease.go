package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
	"nightshift/internal/record"
)

const (
	// idName is the object that tells the folders of batches of one name apart.
	idName = "_nightshift/id"
	// ownedFor is how long a Redis server remembers which folder a batch's name is of.
	ownedFor = 90 * 24 * time.Hour
	// restoring is how long one run keeps others from restoring the same Redis.
	restoring = 3 * time.Minute
)

// leasesOf are what the processes on one Redis agree on.
func leasesOf(client redis.UniversalClient) *record.Store {
	return record.NewStore(client, redisPrefix, "runs")
}

// restoreLease is held by who restores what Redis lost.
const restoreLease = "restore"

// ownName makes sure that this Redis knows the batch's name as that of this folder:
// its tasks, limits and spend are counted by the name.
func (f *folder) ownName(ctx context.Context, leases *record.Store) error {
	id, err := f.id(ctx)
	if err != nil {
		return err
	}
	held, err := leases.Hold(ctx, "folder:"+f.batch, id, ownedFor)
	if err != nil || held {
		return err
	}
	return &inputError{&job.HintedError{
		Err:  fmt.Errorf("this Redis counts another folder's batch under the name %s", f.batch),
		Hint: "give the manifest another name, or use another Redis or database number",
	}}
}

// id is a text by which the batch's folder is known, made at its first run.
func (f *folder) id(ctx context.Context) (string, error) {
	body, err := f.bucket.Open(ctx, f.batch+"/"+idName)
	if errors.Is(err, fs.ErrNotExist) {
		id := rand.Text()
		return id, f.bucket.Put(ctx, f.batch+"/"+idName, strings.NewReader(id))
	}
	if err != nil {
		return "", err
	}
	defer body.Close() // only read from
	id, err := io.ReadAll(io.LimitReader(body, 1<<10))
	return string(id), err
}

// aloneRestoring waits until no other run restores this Redis, and keeps others from
// it until release is called.
func (r *batchRun) aloneRestoring(ctx context.Context) (release func(), err error) {
	token, leases := rand.Text(), leasesOf(r.redis)
	for {
		held, err := leases.Hold(ctx, restoreLease, token, restoring)
		if err != nil {
			return nil, err
		}
		if held {
			break
		}
		r.display.waiting(job.WaitRecovery, restoreRest)
		timer := time.NewTimer(restoreRest)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		}
	}
	return func() { dropRestoreLease(ctx, leases, token, r.logger) }, nil
}

func dropRestoreLease(ctx context.Context, leases *record.Store, token string, logger *slog.Logger) {
	if err := leases.Drop(context.WithoutCancel(ctx), restoreLease, token); err != nil {
		logger.WarnContext(ctx, "lease on restoring Redis not given back, others wait for its end", "err", err)
	}
}
