package queue

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"nightshift/internal/job"
)

// In lists the jobs in a state, the longest there first, at most limit of them
// (0: all).
func (q *Queue) In(ctx context.Context, state job.State, limit int) ([]job.Ref, error) {
	members, err := q.redis.ZRange(ctx, q.stateKey(state), 0, int64(limit)-1).Result()
	if err != nil {
		return nil, fmt.Errorf("list %s jobs: %w", state, err)
	}
	refs := make([]job.Ref, 0, len(members))
	for _, member := range members {
		ref, err := job.ParseRef(member)
		if err == nil {
			refs = append(refs, ref)
			continue
		}
		// It names no job, so that nobody could ever end it; the others go on.
		q.logger.ErrorContext(ctx, "taken out of the queue, it names no job", "state", string(state), "member", member)
		if err := q.redis.ZRem(ctx, q.stateKey(state), member).Err(); err != nil {
			return nil, fmt.Errorf("list %s jobs: %w", state, err)
		}
	}
	return refs, nil
}

// readAtOnce is how many records one command reads; it holds Redis up for well
// under a millisecond.
const readAtOnce = 200

// Records reads the records of refs; those that are gone are left out.
func (q *Queue) Records(ctx context.Context, refs []job.Ref) ([]*job.Record, error) {
	records := make([]*job.Record, 0, len(refs))
	for some := range slices.Chunk(refs, readAtOnce) {
		keys := make([]string, len(some))
		for i, ref := range some {
			keys[i] = q.recordKey(ref)
		}
		replies, err := readScript.Run(ctx, q.redis, keys).Slice()
		if err != nil {
			return nil, fmt.Errorf("read %d jobs: %w", len(some), err)
		}
		for i, reply := range replies {
			fields, err := fieldMap(reply)
			if err != nil {
				return nil, fmt.Errorf("read job %s: %w", some[i], err)
			}
			if len(fields) == 0 {
				continue
			}
			record, err := read(some[i], fields)
			if err != nil {
				return nil, err
			}
			records = append(records, record)
		}
	}
	return records, nil
}

// Counts reads the counts of a batch.
func (q *Queue) Counts(ctx context.Context, batch string) (job.Counts, error) {
	fields, err := q.redis.HGetAll(ctx, q.countsKey(batch)).Result()
	if err != nil {
		return job.Counts{}, fmt.Errorf("count jobs of batch %s: %w", batch, err)
	}
	counts := job.Counts{Jobs: make(map[job.State]int)}
	delete(fields, orderField)
	for name, text := range fields {
		value, err := strconv.Atoi(text)
		if err != nil {
			return job.Counts{}, fmt.Errorf("count jobs of batch %s: %w", batch, err)
		}
		switch name {
		case "images":
			counts.Images = value
		case "quoted":
			counts.Quoted = job.CU(value)
		default:
			counts.Jobs[job.State(name)] = value
		}
	}
	return counts, nil
}
