package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"slices"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
)

// checkpointVersion changes when the logs are folded in another way.
const checkpointVersion = 4

// runsKept is how far back an unanswered request can be looked for, with time to spare.
// Runs of before need not be known any more.
const runsKept = time.Hour

// checkpointFile is the JSON of a checkpoint.
type checkpointFile struct {
	Version int             `json:"version"`
	CRC32   string          `json:"crc32"` // IEEE, eight hex digits, over the fold as it stands here
	Fold    json.RawMessage `json:"fold"`
}

// foldState is the JSON of a fold in which nothing is in flight.
type foldState struct {
	Logs     map[string]logState `json:"logs"` // by name
	Billed   job.CU              `json:"billed"`
	Refunded job.CU              `json:"refunded"`
	Slices   []job.Slice         `json:"slices"`
	Runs     []Run               `json:"runs"`
	KeyIDs   map[string][]string `json:"keyIDs"`
	Begun    bool                `json:"begun"`
	Over     []byte              `json:"over"` // the digests, one behind the other
	// Refused are the attempts that were refused and not tried again, by their jobs.
	Refused map[job.ID]int `json:"refused"`
}

// logState is how much of a log a checkpoint covers. The last line tells a log that was
// replaced by a longer one.
type logState struct {
	Bytes int64  `json:"bytes"`
	Lines int    `json:"lines"`
	Last  string `json:"last"`
}

// WriteCheckpoint writes the fold down, so that a later [ReadFold] reads no line that is
// in it. It writes nothing while anything is in flight. Losing a checkpoint loses only
// time.
func (f *Fold) WriteCheckpoint(ctx context.Context, b Bucket) error {
	if len(f.InFlight()) > 0 {
		return nil
	}
	key := objectKey(f.batch, checkpointName)
	data, err := f.encode(time.Now())
	if err == nil {
		err = b.Put(ctx, key, bytes.NewReader(data))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}

func (f *Fold) encode(now time.Time) ([]byte, error) {
	state := foldState{
		Logs: make(map[string]logState), Billed: f.spent.billed, Refunded: f.spent.refunded, Slices: f.Slices(), KeyIDs: f.keyIDs,
		Begun: f.begun, Over: make([]byte, 0, len(f.over)*len(digest{})),
		Runs: slices.DeleteFunc(f.Runs(), func(r Run) bool { return now.Sub(r.Made) > runsKept }),
	}
	for name, mark := range f.marks {
		state.Logs[name] = logState{mark.Bytes, mark.Lines, string(mark.Last)}
	}
	state.Refused = make(map[job.ID]int, len(f.last))
	for id, last := range f.last {
		state.Refused[id] = last.attempt
	}
	for name := range f.over {
		state.Over = append(state.Over, name[:]...)
	}
	fold, err := json.Marshal(state)
	if err != nil {
		return nil, err
	}
	return json.Marshal(checkpointFile{Version: checkpointVersion, CRC32: checksum(fold), Fold: fold})
}

// readCheckpoint returns the fold of the checkpoint, an empty one where there is none or
// it is damaged.
func readCheckpoint(ctx context.Context, b Bucket, batch string) (*Fold, error) {
	key := objectKey(batch, checkpointName)
	body, err := b.Open(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return newFold(batch), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	defer body.Close() // only read from
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	f := newFold(batch)
	if f.decode(data) != nil { // it only saves time, and all of it is in the logs
		return newFold(batch), nil
	}
	return f, nil
}

var errCheckpoint = errors.New("not a checkpoint of this version, or damaged")

func (f *Fold) decode(data []byte) error {
	var file checkpointFile
	var state foldState
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	if file.Version != checkpointVersion || file.CRC32 != checksum(file.Fold) {
		return errCheckpoint
	}
	if err := json.Unmarshal(file.Fold, &state); err != nil {
		return err
	}
	const size = len(digest{})
	if len(state.Over)%size != 0 {
		return errCheckpoint
	}
	f.spent.billed, f.spent.refunded, f.runs = state.Billed, state.Refunded, state.Runs
	f.begun = state.Begun
	for name, mark := range f.marks {
		log := state.Logs[name]
		*mark = jsonl.Mark{Bytes: log.Bytes, Lines: log.Lines, Last: []byte(log.Last)}
	}
	maps.Copy(f.keyIDs, state.KeyIDs)
	for id, attempt := range state.Refused {
		f.last[id] = &request{attempt: attempt, intended: true}
	}
	for _, slice := range state.Slices {
		spent := slice.CU
		slice.CU, slice.Quarter = 0, slice.Quarter.UTC()
		f.spent.slices[slice] = spent
	}
	// No bill of theirs is to come: all lines that stood in the logs are counted.
	for name := range slices.Chunk(state.Over, size) {
		f.over[digest(name)] = billed | intended
	}
	return nil
}

func checksum(data []byte) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE(data)) }
