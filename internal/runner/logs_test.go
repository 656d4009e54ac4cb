package runner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"

	"nightshift/internal/batch"
	"nightshift/internal/job"
)

// logs are the batch's logs as a bucket has them.
type logs map[string][]byte

func (l logs) Open(_ context.Context, key string) (io.ReadCloser, error) {
	if data, there := l[key]; there {
		return io.NopCloser(bytes.NewReader(data)), nil
	}
	return nil, fs.ErrNotExist
}

func (logs) Put(context.Context, string, io.Reader) error       { return fs.ErrPermission }
func (logs) Append(context.Context, string, []byte) error       { return fs.ErrPermission }
func (logs) Lock(context.Context, string) (func() error, error) { return nil, fs.ErrPermission }

// fold is what the batch's logs say.
func (m *memoryFolder) fold(ctx context.Context) (*batch.Fold, error) {
	l := make(logs)
	for _, line := range m.attempts {
		l.add("_nightshift/attempts.jsonl", line)
	}
	for _, r := range m.results {
		if r.State == job.Succeeded {
			l.add("results.jsonl", r)
		} else {
			l.add("errors.jsonl", r)
		}
	}
	return batch.ReadFold(ctx, l, batchName)
}

func (l logs) add(name string, line any) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	l[batchName+"/"+name] = append(append(l[batchName+"/"+name], text...), '\n')
}
