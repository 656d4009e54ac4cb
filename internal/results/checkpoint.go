package results

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
)

const (
	checkpointName = "_nightshift/spend.json"
	// checkpointVersion changes when entries are summed up in another way.
	checkpointVersion = 1
)

// checkpoint is the sum of a journal up to a mark.
type checkpoint struct {
	mark  jsonl.Mark
	spend job.Spend
}

// checkpointFile is the JSON of a checkpoint. The last line tells a journal that
// was replaced by a longer one.
type checkpointFile struct {
	Version int             `json:"version"`
	Bytes   int64           `json:"bytes"` // of the journal that are covered
	Lines   int             `json:"lines"`
	Last    string          `json:"last"`  // the last line that is covered
	CRC32   string          `json:"crc32"` // IEEE, eight hex digits, over the spend as it stands here
	Spend   json.RawMessage `json:"spend,omitempty"`
}

// Spend sums up the journal: the checkpoint, if there is one that belongs to the
// file, and the lines behind it. What the checkpoint covers is not read where the
// bucket's objects can seek, and skipped by reading elsewhere. Errors are those of
// [Journal.All].
func (j *Journal) Spend(ctx context.Context) (*job.Spend, error) {
	known, err := j.sum(ctx)
	if err != nil {
		return nil, err
	}
	return &known.spend, nil
}

// Checkpoint writes down the sum of the journal as it is now, so that a later
// [Journal.Spend] reads no line that is there already. It writes nothing where no
// line was added since the last one. Losing a checkpoint loses only time.
func (j *Journal) Checkpoint(ctx context.Context) error {
	before, err := j.readCheckpoint(ctx)
	if err != nil {
		return err
	}
	covered := before.mark.Bytes
	known, err := j.sumFrom(ctx, before)
	if err != nil || known == before && known.mark.Bytes == covered {
		return err
	}
	body, err := known.encode()
	if err != nil {
		return fmt.Errorf("encode the checkpoint of %s: %w", j.key, err)
	}
	ctx, cancel := context.WithTimeout(ctx, jsonl.CommitTimeout)
	defer cancel()
	key := objectKey(j.batch, checkpointName)
	if err := j.bucket.Put(ctx, key, body); err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}

func (j *Journal) sum(ctx context.Context) (*checkpoint, error) {
	known, err := j.readCheckpoint(ctx)
	if err != nil {
		return nil, err
	}
	return j.sumFrom(ctx, known)
}

// sumFrom adds what stands behind the checkpoint to it, or all to an empty one if
// the checkpoint is not of this file.
func (j *Journal) sumFrom(ctx context.Context, known *checkpoint) (*checkpoint, error) {
	body, err := j.open(ctx)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	found, err := known.mark.Skip(body)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", j.key, err)
	}
	if !found {
		return j.sumFrom(ctx, &checkpoint{})
	}
	for entry, err := range decodeLines(ctx, j.key, body, &known.mark, job.Entry.Check) {
		if err != nil {
			return nil, err
		}
		known.spend.Add(entry)
	}
	return known, nil
}

// readCheckpoint returns the checkpoint, an empty one where there is none or it is
// damaged.
func (j *Journal) readCheckpoint(ctx context.Context) (*checkpoint, error) {
	key := objectKey(j.batch, checkpointName)
	data, err := readWhole(ctx, j.bucket, key)
	if errors.Is(err, fs.ErrNotExist) {
		return &checkpoint{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	known, err := decodeCheckpoint(data)
	if err != nil {
		return &checkpoint{}, nil //nolint:nilerr // it only saves time, and all of it is in the journal
	}
	return known, nil
}

func readWhole(ctx context.Context, b Bucket, key string) ([]byte, error) {
	body, err := b.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

var errCheckpoint = errors.New("not a checkpoint of this version, or damaged")

func decodeCheckpoint(data []byte) (*checkpoint, error) {
	var file checkpointFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	if file.Version != checkpointVersion || file.CRC32 != checksum(file.Spend) {
		return nil, errCheckpoint
	}
	known := &checkpoint{mark: jsonl.Mark{Bytes: file.Bytes, Lines: file.Lines, Last: []byte(file.Last)}}
	if err := known.spend.UnmarshalJSON(file.Spend); err != nil {
		return nil, err
	}
	return known, nil
}

// encode puts the spend behind the other fields as it is: it can be large, and is
// in memory once.
func (c *checkpoint) encode() (io.Reader, error) {
	spend, err := c.spend.MarshalJSON()
	if err != nil {
		return nil, err
	}
	head, err := json.Marshal(checkpointFile{
		Version: checkpointVersion, Bytes: c.mark.Bytes, Lines: c.mark.Lines, Last: string(c.mark.Last), CRC32: checksum(spend),
	})
	if err != nil {
		return nil, err
	}
	head = append(bytes.TrimSuffix(head, []byte("}")), `,"spend":`...)
	return io.MultiReader(bytes.NewReader(head), bytes.NewReader(spend), bytes.NewReader([]byte("}\n"))), nil
}

func checksum(data []byte) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE(data)) }
