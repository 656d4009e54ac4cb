package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"nightshift/internal/job"
)

// atOnce is how many jobs one script is about; it holds Redis up for about a millisecond.
const atOnce = 100

// Add makes the records of jobs of a batch that are to be run, in state queued; one that
// is there stays as it is. It returns their states, "" for jobs that are over, or that
// are not of the submission for which the batch is worked on. The error is Redis'.
func (q *Queue) Add(ctx context.Context, batch string, priority job.Priority, jobs ...*job.Job) ([]job.State, error) {
	var states []job.State
	keys := []string{q.countsKey(batch), q.doneKey(batch), q.stateKey(job.Queued)}
	for some := range slices.Chunk(jobs, atOnce) {
		args := []any{q.recordsPrefix(), some[0].Order, string(priority)}
		for _, j := range some {
			ref := job.Ref{Batch: batch, ID: j.ID}
			if named, err := job.ParseRef(ref.String()); err != nil || named != ref {
				return nil, fmt.Errorf("add job %q of batch %s: %w: no reference names it", j.ID, batch, job.ErrInvalid)
			}
			spec, err := json.Marshal(j)
			if err != nil {
				return nil, fmt.Errorf("add job %s of batch %s: %w", j.ID, batch, err)
			}
			args = append(args, ref.String(), j.Index, spec, j.Before+1, int64(max(j.Quote, 0)))
		}
		added, err := addScript.Run(ctx, q.redis, keys, args...).StringSlice()
		if err != nil {
			return nil, fmt.Errorf("add %d jobs of batch %s: %w", len(some), batch, err)
		}
		for _, state := range added {
			states = append(states, job.State(state))
		}
	}
	return states, nil
}

// Claim takes a job over, if it is in one of the states: it raises the fence, so that
// no earlier holder can change the record any more, and notes this process as its owner
// until it is in another state. A job that is being sent is claimed only by the process
// that sends it. It returns the record, whether it is claimed or not.
// job.ErrRecordGone says that the job is over.
func (q *Queue) Claim(ctx context.Context, ref job.Ref, states ...job.State) (rec *job.Record, claimed bool, err error) {
	owner := q.process.Owner()
	keys := []string{q.recordKey(ref), q.claimsKey(owner), q.ownersKey()}
	reply, err := claimScript.Run(ctx, q.redis, keys, ref.String(), owner, listOf(states), q.claimsPrefix()).Slice()
	if err != nil {
		return nil, false, fmt.Errorf("claim job %s: %w", ref, err)
	}
	if len(reply) == 0 {
		return nil, false, fmt.Errorf("claim job %s: %w", ref, job.ErrRecordGone)
	}
	fields, err := fieldMap(reply[1])
	if err == nil {
		rec, err = read(ref, fields)
	}
	if err != nil {
		return nil, false, fmt.Errorf("claim job %s: %w", ref, err)
	}
	return rec, reply[0] == int64(1), nil
}

// listOf is how scripts are told states.
func listOf(states []job.State) string {
	list := new(strings.Builder)
	for _, state := range states {
		list.WriteString("," + string(state) + ",")
	}
	return list.String()
}

// Get reads a record without taking the job over. job.ErrRecordGone says that the job is over.
func (q *Queue) Get(ctx context.Context, ref job.Ref) (*job.Record, error) {
	fields, err := q.redis.HGetAll(ctx, q.recordKey(ref)).Result()
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
		fields = append(fields, "intent", "", "inference", "", "started", "", "outcome", "", "storeTries", 0, "counted", 0)
	}
	if c.Disown {
		fields = append(fields, "inference", "", "started", "")
	}
	if c.Inference != "" {
		fields = append(fields, "started", c.Started.UnixMilli())
	}
	if !c.Intent.IsZero() {
		fields = append(fields, "intent", c.Intent.UnixMilli())
	}
	if c.APIKey != "" {
		fields = append(fields, "apiKey", c.APIKey)
	}
	if len(c.Avoid) > 0 {
		avoid, err := json.Marshal(c.Avoid)
		if err != nil {
			return nil, err
		}
		fields = append(fields, "avoid", avoid)
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
		fields = append(fields, "earlierBilled", int64(c.EarlierBilled))
	}
	if c.EarlierRefunded != 0 {
		fields = append(fields, "earlierRefunded", int64(c.EarlierRefunded))
	}
	if len(c.Assets) > 0 {
		assets, err := json.Marshal(c.Assets)
		if err != nil {
			return nil, err
		}
		fields = append(fields, "assets", assets)
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
func (q *Queue) Change(ctx context.Context, r *job.Record, c job.Change) error {
	fence, err := q.change(ctx, r.Ref, r.Fence, c)
	if err != nil {
		return err
	}
	r.Fence, r.State = fence, c.To
	return nil
}

// Send marks a queued job as being sent, by the holder of r, notes the intent and the
// API key, and parks the job's collect task for a time. Errors are those of Change.
func (q *Queue) Send(ctx context.Context, r *job.Record, intent time.Time, apiKey string, after time.Duration) error {
	name, id := q.collectName(), taskID(collectTask, r.Ref, r.Generation)
	keys := []string{
		q.recordKey(r.Ref), q.countsKey(r.Ref.Batch), q.stateKey(job.Queued), q.stateKey(job.Sending),
		taskPrefix(name) + id, scheduledKey(name),
	}
	err := q.publish(ctx)
	if err == nil {
		var fence int64
		fence, err = sendScript.Run(ctx, q.redis, keys, r.Ref.String(), r.Fence, intent.UnixMilli(), apiKey,
			id, message(name, collectTask, id, r.Ref), seconds(after)).Int64()
		if err == nil {
			err = changeError(fence)
		}
		if err == nil {
			r.Fence, r.State, r.Intent, r.APIKey = fence, job.Sending, intent, apiKey
			return nil
		}
	}
	return fmt.Errorf("mark job %s as being sent: %w", r.Ref, err)
}

// Observe makes a change that follows from what the provider says and is right
// whoever holds the job, such as "the run ended". Errors are those of Change.
func (q *Queue) Observe(ctx context.Context, ref job.Ref, c job.Change) error {
	_, err := q.change(ctx, ref, 0, c)
	return err
}

// Swap gives two running jobs each other's inference, and brings the records up to date.
// Errors: job.ErrRecordGone, ErrState where one does not run with its inference any more, or
// Redis'.
func (q *Queue) Swap(ctx context.Context, a, b *job.Record) error {
	keys := []string{q.recordKey(a.Ref), q.recordKey(b.Ref), q.inferencesKey()}
	reply, err := swapScript.Run(ctx, q.redis, keys, a.Ref.String(), b.Ref.String(), a.Inference, b.Inference).Int64()
	if err == nil {
		err = changeError(reply)
	}
	if err != nil {
		return fmt.Errorf("swap the inferences of jobs %s and %s: %w", a.Ref, b.Ref, err)
	}
	a.Inference, b.Inference = b.Inference, a.Inference
	a.Started, b.Started = b.Started, a.Started
	a.Fence, b.Fence = a.Fence+1, b.Fence+1
	return nil
}

func (q *Queue) change(ctx context.Context, ref job.Ref, fence int64, c job.Change) (int64, error) {
	fields, err := fieldsOf(&c)
	if err != nil {
		return 0, fmt.Errorf("change job %s to %s: %w", ref, c.To, err)
	}
	args := append([]any{ref.String(), fence, string(c.To), listOf(c.From), c.Inference, c.Started.UnixMilli(), q.claimsPrefix()}, fields...)
	reply, err := changeScript.Run(ctx, q.redis, q.changeKeys(ref), args...).Int64()
	if err == nil {
		err = changeError(reply)
	}
	if err != nil {
		return 0, fmt.Errorf("change job %s to %s: %w", ref, c.To, err)
	}
	return reply, nil
}

// changeError maps the negative answers of change.lua and finish.lua.
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

// Finish deletes the record and the collect task of a job whose result is recorded and
// remembers that it is over. Repeating it changes nothing, so a record that is gone is no
// error. Errors: job.ErrFenced if somebody else took the job over since r was read, or Redis'.
func (q *Queue) Finish(ctx context.Context, r *job.Record, final job.State, images int) error {
	err := q.finish(ctx, r.Ref, r.Job.Index, r.Generation, r.Fence, final, images)
	if id, runs := asynq.GetTaskID(ctx); err == nil && runs && id == taskID(collectTask, r.Ref, r.Generation) {
		q.removed.Store(id, true) // asynq is about to end it
	}
	return err
}

// Ended tells a new pool of a job that ended before, so that it is not added
// again; index is its place in the plan. It is true whoever holds the job, so a
// record that is there goes. Repeating it changes nothing. The error is Redis'.
func (q *Queue) Ended(ctx context.Context, ref job.Ref, index int, final job.State, images int) error {
	return q.finish(ctx, ref, index, 1, 0, final, images)
}

func (q *Queue) finish(ctx context.Context, ref job.Ref, index, generation int, fence int64, final job.State, images int) error {
	name, id := q.collectName(), taskID(collectTask, ref, generation)
	keys := []string{q.recordKey(ref), q.countsKey(ref.Batch), q.inferencesKey(), q.doneKey(ref.Batch)}
	for _, state := range liveStates {
		keys = append(keys, q.stateKey(state))
	}
	keys = append(keys, taskPrefix(name)+id, pendingKey(name), activeKey(name), leaseKey(name), scheduledKey(name), retryKey(name))
	reply, err := finishScript.Run(ctx, q.redis, keys, ref.String(), string(final), images, index, fence, q.claimsPrefix(), id).Int64()
	if err == nil {
		err = changeError(reply)
	}
	if err != nil {
		return fmt.Errorf("finish job %s: %w", ref, err)
	}
	return nil
}

// Begin forgets what became of the jobs of a batch, and lets those of a submission be added
// from now on, and no others. None of its jobs may have a record. The error is Redis'.
func (q *Queue) Begin(ctx context.Context, batch, order string) error {
	pipe := q.redis.TxPipeline()
	pipe.Del(ctx, q.countsKey(batch), q.doneKey(batch))
	pipe.HSet(ctx, q.countsKey(batch), orderField, order)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("begin submission %s of batch %s: %w", order, batch, err)
	}
	return nil
}

// orderField is the field of a batch's counts that names its submission.
const orderField = "order"

// Forget forgets what became of the jobs of a batch, whose submission is over. None of its jobs may have a record. The error is Redis'.
func (q *Queue) Forget(ctx context.Context, batch string) error {
	if err := q.redis.Del(ctx, q.countsKey(batch), q.doneKey(batch)).Err(); err != nil {
		return fmt.Errorf("forget the jobs of batch %s: %w", batch, err)
	}
	return nil
}
