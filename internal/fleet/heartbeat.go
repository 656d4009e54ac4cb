package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/job"
)

// stateKept is how long it is known what a worker does, while its heart beats.
const stateKept = time.Minute

// Heartbeat is what a worker says of itself every few seconds.
type Heartbeat struct {
	Worker  string    `json:"worker"`
	Owner   string    `json:"owner"` // its name in what it holds
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	// Leads are the batches that this worker feeds and reports on.
	Leads []string `json:"leads"`
	// Versions is what this worker knows of each batch: its submission, and what is wanted of
	// it.
	Versions map[string]string `json:"versions,omitempty"`
	// News is up to where this worker has read what was announced.
	News int64 `json:"news,omitempty"`
	// Lanes is how the lanes stand, by name, as this worker sees it.
	Lanes map[string]Lane `json:"lanes"`
	// Stored is what this worker stored in the last minutes, by batch.
	Stored map[string]Stored `json:"stored,omitempty"`
	// Trouble is what keeps it from working, by batch; "" is the worker itself.
	Trouble map[string]string `json:"trouble,omitempty"`
}

// Stored is what was stored lately.
type Stored struct {
	Jobs    int     `json:"jobs"`
	Images  int     `json:"images"`
	Seconds float64 `json:"seconds"` // in how much time, at most five minutes
}

// Lane is what a worker sees of a lane.
type Lane struct {
	// Reason is what the lane waits for, "" while nothing does; NeedsOperator says that
	// only a person ends it.
	Reason  job.WaitReason `json:"reason,omitempty"`
	Until   time.Time      `json:"until,omitzero"`
	Detail  string         `json:"detail,omitempty"`
	Endless bool           `json:"endless,omitempty"`
	// Blocked is how much of the last minute the lane stood still, by reason, in seconds.
	Blocked map[job.WaitReason]float64 `json:"blocked,omitempty"`
	// Caps are what the caps of its API keys leave for new jobs.
	Caps []job.Headroom `json:"caps,omitempty"`
	// Used is what was spent and reserved when that was so, by batch.
	Used map[string]job.CU `json:"used,omitempty"`
	// The handlers that work, and how many there can be.
	Submitting  int `json:"submitting"`
	SubmitSlots int `json:"submitSlots"`
	Storing     int `json:"storing"`
	StoreSlots  int `json:"storeSlots"`
}

// WriteHeartbeat says what a worker does. It counts while its heart beats. The error is Redis'.
func (f *Fleet) WriteHeartbeat(ctx context.Context, b Heartbeat) error {
	text, err := json.Marshal(b)
	if err == nil {
		pipe := f.redis.TxPipeline()
		pipe.Set(ctx, f.workerKey(b.Worker), text, stateKept)
		pipe.SAdd(ctx, f.workersKey(), b.Worker)
		_, err = pipe.Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("tell what worker %s does: %w", b.Worker, err)
	}
	return nil
}

// Leave says that a worker is gone. The error is Redis'.
func (f *Fleet) Leave(ctx context.Context, worker string) error {
	pipe := f.redis.TxPipeline()
	pipe.Del(ctx, f.workerKey(worker))
	pipe.SRem(ctx, f.workersKey(), worker)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("tell that worker %s is gone: %w", worker, err)
	}
	return nil
}

// Workers are the last beats of all workers that live, by name. The error is Redis'.
func (f *Fleet) Workers(ctx context.Context) ([]Heartbeat, error) {
	names, err := f.redis.SMembers(ctx, f.workersKey()).Result()
	if err != nil || len(names) == 0 {
		return nil, wrapWorkers(err)
	}
	slices.Sort(names)
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = f.workerKey(name)
	}
	texts, err := f.redis.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, wrapWorkers(err)
	}
	var beats []Heartbeat
	for i, text := range texts {
		line, there := text.(string)
		if !there { // it died
			if err := f.redis.SRem(ctx, f.workersKey(), names[i]).Err(); err != nil {
				return nil, wrapWorkers(err)
			}
			continue
		}
		var beat Heartbeat
		if err := json.Unmarshal([]byte(line), &beat); err != nil {
			return nil, wrapWorkers(err)
		}
		beats = append(beats, beat)
	}
	return f.living(ctx, beats)
}

// living leaves out the beats of workers whose heartbeat is missing.
func (f *Fleet) living(ctx context.Context, beats []Heartbeat) ([]Heartbeat, error) {
	owners := make([]string, len(beats))
	for i := range beats {
		owners[i] = beats[i].Owner
	}
	heartbeats, err := f.heartbeats(ctx, owners)
	if err != nil {
		return nil, wrapWorkers(err)
	}
	kept := beats[:0]
	for i, beat := range beats {
		if heartbeats[i] == alive {
			kept = append(kept, beat)
		}
	}
	return kept, nil
}

func wrapWorkers(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("ask what the workers do: %w", err)
}
