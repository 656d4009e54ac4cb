package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

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

// leases are what runs agree on in one Redis.
func (r *batchRun) leases() *record.Store { return record.NewStore(r.redis, redisPrefix, "runs") }

// ownName makes sure that this Redis knows the batch's name as that of this folder:
// its tasks, limits and spend are counted by the name.
func (r *batchRun) ownName(ctx context.Context) error {
	id, err := r.folderID(ctx)
	if err != nil {
		return err
	}
	held, err := r.leases().Hold(ctx, "folder:"+r.batch, id, ownedFor)
	if err != nil || held {
		return err
	}
	return &inputError{&job.HintedError{
		Err:  fmt.Errorf("this Redis counts another folder's batch under the name %s", r.batch),
		Hint: "give the manifest another name, or use another Redis or database number",
	}}
}

// folderID is a text by which the batch's folder is known, made at its first run.
func (r *batchRun) folderID(ctx context.Context) (string, error) {
	body, err := r.bucket.Open(ctx, r.batch+"/"+idName)
	if errors.Is(err, fs.ErrNotExist) {
		id := rand.Text()
		return id, r.bucket.Put(ctx, r.batch+"/"+idName, strings.NewReader(id))
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
	token := rand.Text()
	for {
		held, err := r.leases().Hold(ctx, "restore", token, restoring)
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
	return func() {
		if err := r.leases().Drop(context.WithoutCancel(ctx), "restore", token); err != nil {
			r.logger.WarnContext(ctx, "lease on restoring Redis not given back, others wait for its end", "err", err)
		}
	}, nil
}
