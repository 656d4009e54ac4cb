package batch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"slices"
	"sync"
	"testing"
)

// memory is a bucket in memory.
type memory struct {
	mu   sync.Mutex
	held map[string][]byte
	read map[string]int64 // bytes of each object
}

func newMemory() *memory { return &memory{held: make(map[string][]byte), read: make(map[string]int64)} }

func (m *memory) Put(_ context.Context, key string, body io.Reader) error {
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held[key] = data
	return nil
}

func (m *memory) Append(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held[key] = append(slices.Clone(m.held[key]), data...)
	return nil
}

func (m *memory) Open(_ context.Context, key string) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, there := m.held[key]
	if !there {
		return nil, fs.ErrNotExist
	}
	return &opened{Reader: bytes.NewReader(data), memory: m, key: key}, nil
}

func (m *memory) Lock(context.Context, string) (unlock func() error, err error) {
	return func() error { return nil }, nil
}

// opened counts what is read.
type opened struct {
	*bytes.Reader
	memory *memory
	key    string
}

func (o *opened) Read(p []byte) (int, error) {
	n, err := o.Reader.Read(p)
	o.memory.mu.Lock()
	defer o.memory.mu.Unlock()
	o.memory.read[o.key] += int64(n)
	return n, err
}

func (o *opened) Close() error { return nil }

func putLines[T any](t testing.TB, m *memory, name string, lines []T) {
	t.Helper()
	var text bytes.Buffer
	for _, line := range lines {
		if err := json.NewEncoder(&text).Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	m.held[historyBatch+"/"+name] = text.Bytes()
}
