package record

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
)

//go:embed add.lua
var addSource string

//go:embed change.lua
var changeSource string

//go:embed claim.lua
var claimSource string

//go:embed finish.lua
var finishSource string

//go:embed read.lua
var readSource string

var (
	addScript    = redis.NewScript(addSource)
	changeScript = redis.NewScript(changeSource)
	claimScript  = redis.NewScript(claimSource)
	finishScript = redis.NewScript(finishSource)
	readScript   = redis.NewScript(readSource)
)

// Store holds the records of one key pool.
type Store struct {
	redis  redis.UniversalClient
	prefix string
	pool   string
}

// NewStore returns the store of a pool; all its keys start with prefix.
func NewStore(client redis.UniversalClient, prefix, pool string) *Store {
	return &Store{redis: client, prefix: prefix, pool: pool}
}

// Add makes the record of a job that is to be run, in state queued. It reports
// false if the job is there already; job.ErrRecordGone says that it is over.
func (s *Store) Add(ctx context.Context, ref job.Ref, j *job.Job, priority job.Priority) (bool, error) {
	spec, err := json.Marshal(j)
	if err != nil {
		return false, fmt.Errorf("add job %s: %w", ref, err)
	}
	added, err := addScript.Run(ctx, s.redis, s.changeKeys(ref), ref.String(), j.Index, spec, string(priority)).Int()
	switch {
	case err != nil:
		return false, fmt.Errorf("add job %s: %w", ref, err)
	case added < 0:
		return false, fmt.Errorf("add job %s: %w", ref, job.ErrRecordGone)
	default:
		return added == 1, nil
	}
}

// Claim takes a job over: it raises the fence, so that no earlier holder can
// change the record any more, and returns it. job.ErrRecordGone says that the job is over.
func (s *Store) Claim(ctx context.Context, ref job.Ref) (*job.Record, error) {
	reply, err := claimScript.Run(ctx, s.redis, []string{s.recordKey(ref)}).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("claim job %s: %w", ref, err)
	}
	if len(reply) == 0 {
		return nil, fmt.Errorf("claim job %s: %w", ref, job.ErrRecordGone)
	}
	return read(ref, pairs(reply))
}

// Get reads a record without taking the job over. job.ErrRecordGone says that the job is over.
func (s *Store) Get(ctx context.Context, ref job.Ref) (*job.Record, error) {
	fields, err := s.redis.HGetAll(ctx, s.recordKey(ref)).Result()
	if err != nil {
		return nil, fmt.Errorf("read job %s: %w", ref, err)
	}
	if len(fields) == 0 {
		return nil, fmt.Errorf("read job %s: %w", ref, job.ErrRecordGone)
	}
	return read(ref, fields)
}

// fieldsOf lists the fields of a record that a change writes, with their values.
func fieldsOf(c *job.Change) ([]any, error) {
	var fields []any
	if c.Forget {
		fields = append(fields, "intent", "", "inference", "", "started", "", "outcome", "", "storeTries", 0)
	}
	if c.Inference != "" {
		fields = append(fields, "started", c.Started.UnixMilli())
	}
	if !c.Intent.IsZero() {
		fields = append(fields, "intent", c.Intent.UnixMilli())
	}
	if c.Attempt != 0 {
		fields = append(fields, "attempt", c.Attempt)
	}
	if c.Generation != 0 {
		fields = append(fields, "generation", c.Generation)
	}
	if c.StoreTries != 0 {
		fields = append(fields, "storeTries", c.StoreTries)
	}
	if c.Counted {
		fields = append(fields, "counted", 1)
	}
	if c.EarlierBilled != 0 {
		fields = append(fields, "earlierBilled", int64(c.EarlierBilled), "earlierRefunded", int64(c.EarlierRefunded))
	}
	if c.Outcome != nil {
		outcome, err := json.Marshal(c.Outcome)
		if err != nil {
			return nil, err
		}
		fields = append(fields, "outcome", outcome)
	}
	return fields, nil
}

// Change makes a change by the holder of r, whose fence it brings up to date.
// Errors: job.ErrRecordGone, ErrFenced, ErrState, ErrOwned, or Redis'.
func (s *Store) Change(ctx context.Context, r *job.Record, c job.Change) error {
	fence, err := s.change(ctx, r.Ref, r.Fence, c)
	if err != nil {
		return err
	}
	r.Fence, r.State = fence, c.To
	return nil
}

// Observe makes a change that follows from what the provider says and is right
// whoever holds the job, such as "the run ended". Errors are those of Change.
func (s *Store) Observe(ctx context.Context, ref job.Ref, c job.Change) error {
	_, err := s.change(ctx, ref, 0, c)
	return err
}

func (s *Store) change(ctx context.Context, ref job.Ref, fence int64, c job.Change) (int64, error) {
	fields, err := fieldsOf(&c)
	if err != nil {
		return 0, fmt.Errorf("change job %s to %s: %w", ref, c.To, err)
	}
	allowed := new(strings.Builder)
	for _, state := range c.From {
		allowed.WriteString("," + string(state) + ",")
	}
	args := append([]any{ref.String(), fence, string(c.To), allowed.String(), c.Inference, c.Started.UnixMilli()}, fields...)
	reply, err := changeScript.Run(ctx, s.redis, s.changeKeys(ref), args...).Int64()
	if err == nil {
		err = changeError(reply)
	}
	if err != nil {
		return 0, fmt.Errorf("change job %s to %s: %w", ref, c.To, err)
	}
	return reply, nil
}

// changeError maps the negative answers of change.lua.
func changeError(reply int64) error {
	switch reply {
	case -1:
		return job.ErrRecordGone
	case -2:
		return job.ErrFenced
	case -3:
		return job.ErrState
	case -4:
		return job.ErrOwned
	default:
		return nil
	}
}

// Finish deletes the record of a job whose result is recorded and remembers that
// it is over. Repeating it changes nothing.
func (s *Store) Finish(ctx context.Context, ref job.Ref, final job.State, images int) error {
	if err := finishScript.Run(ctx, s.redis, s.changeKeys(ref), ref.String(), string(final), images).Err(); err != nil {
		return fmt.Errorf("finish job %s: %w", ref, err)
	}
	return nil
}

// In lists the jobs in a state, the longest there first, at most limit of them
// (0: all).
func (s *Store) In(ctx context.Context, state job.State, limit int) ([]job.Ref, error) {
	members, err := s.redis.ZRange(ctx, s.stateKey(state), 0, int64(limit)-1).Result()
	if err != nil {
		return nil, fmt.Errorf("list %s jobs: %w", state, err)
	}
	refs := make([]job.Ref, 0, len(members))
	for _, member := range members {
		ref, err := job.ParseRef(member)
		if err != nil {
			return nil, fmt.Errorf("list %s jobs: %w", state, err)
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

// readAtOnce is how many records one command reads; it holds Redis up for well
// under a millisecond.
const readAtOnce = 200

// Records reads the records of refs; those that are gone are left out.
func (s *Store) Records(ctx context.Context, refs []job.Ref) ([]*job.Record, error) {
	records := make([]*job.Record, 0, len(refs))
	for some := range slices.Chunk(refs, readAtOnce) {
		keys := make([]string, len(some))
		for i, ref := range some {
			keys[i] = s.recordKey(ref)
		}
		replies, err := readScript.Run(ctx, s.redis, keys).Slice()
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

// Owners returns, for each inference id of ids that belongs to an unfinished job,
// that job, and reports in ours which ids belong or belonged to any job of ours.
func (s *Store) Owners(ctx context.Context, ids []string) (owners map[string]job.Ref, ours map[string]bool, err error) {
	owners, ours = make(map[string]job.Ref), make(map[string]bool)
	if len(ids) == 0 {
		return owners, ours, nil
	}
	refs, err := s.redis.HMGet(ctx, s.inferencesKey(), ids...).Result()
	if err != nil {
		return nil, nil, fmt.Errorf("look up owners of inferences: %w", err)
	}
	// go-redis' own ZMSCORE cannot tell an absent member from score 0.
	command := []any{"ZMSCORE", s.ownedKey()}
	for _, id := range ids {
		command = append(command, id)
	}
	scores, err := s.redis.Do(ctx, command...).Slice()
	if err != nil {
		return nil, nil, fmt.Errorf("look up inferences of ours: %w", err)
	}
	for i, id := range ids {
		ours[id] = scores[i] != nil
		text, known := refs[i].(string)
		if !known {
			continue
		}
		if owners[id], err = job.ParseRef(text); err != nil {
			return nil, nil, fmt.Errorf("look up owners of inferences: %w", err)
		}
	}
	return owners, ours, nil
}

// Own remembers inferences of jobs that are over, so that they are never adopted
// by another job; made is when the provider made them.
func (s *Store) Own(ctx context.Context, inference string, made time.Time) error {
	entry := redis.Z{Score: float64(made.UnixMilli()), Member: inference}
	if err := s.redis.ZAdd(ctx, s.ownedKey(), entry).Err(); err != nil {
		return fmt.Errorf("remember inference %s: %w", inference, err)
	}
	return nil
}

// Disown forgets inferences that were made before the time and belong to jobs
// that are over; no search looks back that far.
func (s *Store) Disown(ctx context.Context, before time.Time) error {
	limit := "(" + strconv.FormatInt(before.UnixMilli(), 10)
	if err := s.redis.ZRemRangeByScore(ctx, s.ownedKey(), "-inf", limit).Err(); err != nil {
		return fmt.Errorf("forget old inferences: %w", err)
	}
	return nil
}

// Counts reads the counts of a batch.
func (s *Store) Counts(ctx context.Context, batch string) (job.Counts, error) {
	fields, err := s.redis.HGetAll(ctx, s.countsKey(batch)).Result()
	if err != nil {
		return job.Counts{}, fmt.Errorf("count jobs of batch %s: %w", batch, err)
	}
	counts := job.Counts{Jobs: make(map[job.State]int)}
	for name, text := range fields {
		value, err := strconv.Atoi(text)
		if err != nil {
			return job.Counts{}, fmt.Errorf("count jobs of batch %s: %w", batch, err)
		}
		if name == "images" {
			counts.Images = value
			continue
		}
		counts.Jobs[job.State(name)] = value
	}
	return counts, nil
}

// Looked remembers that the runs of the pool were looked at just now.
func (s *Store) Looked(ctx context.Context) error {
	if err := s.redis.Set(ctx, s.lookedKey(), time.Now().UnixMilli(), 0).Err(); err != nil {
		return fmt.Errorf("remember look at the job list: %w", err)
	}
	return nil
}

// LastLook is when the runs of the pool were looked at last; zero if never.
func (s *Store) LastLook(ctx context.Context) (time.Time, error) {
	ms, err := s.redis.Get(ctx, s.lookedKey()).Int64()
	switch {
	case errors.Is(err, redis.Nil):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, fmt.Errorf("read time of the last look at the job list: %w", err)
	}
	return time.UnixMilli(ms), nil
}
