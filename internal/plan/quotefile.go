package plan

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"nightshift/internal/job"
)

const (
	// maxQuotes bounds a QuoteFile; the youngest prices stay.
	maxQuotes = 1000
	// maxQuoteFile bounds what is read in bytes, many times what that takes.
	maxQuoteFile = 4 << 20
)

// QuoteFile is Quotes that can be written to a file and read again. The zero value
// is empty and ready. It is safe for concurrent use.
type QuoteFile struct {
	mu     sync.Mutex
	quotes map[string]keptQuote
}

type keptQuote struct {
	job.Quote
	asked time.Time
}

// quoteEntry is a price in the file. Total is a pointer so that a price that is
// missing is not taken for zero CU.
type quoteEntry struct {
	Key   string            `json:"key"`
	Model string            `json:"model"`
	Total *job.CU           `json:"total"`
	Parts map[string]job.CU `json:"parts,omitempty"`
	Asked time.Time         `json:"asked"`
}

type quoteEntries struct {
	Quotes []quoteEntry `json:"quotes"`
}

// ReadQuotes reads what WriteTo wrote. It returns an error where the reader does,
// and where the content is damaged. The caller may ignore it, since prices can be
// asked for again: what is returned is never nil, and empty then.
func ReadQuotes(r io.Reader) (*QuoteFile, error) {
	file := &QuoteFile{}
	content, err := io.ReadAll(io.LimitReader(r, maxQuoteFile+1))
	if err != nil {
		return file, fmt.Errorf("read kept prices: %w", err)
	}
	entries, err := decodeQuotes(content)
	if err != nil {
		return file, fmt.Errorf("read kept prices: %w; they are asked for again if the file is removed", err)
	}
	for i := range entries {
		entry := &entries[i]
		file.Keep(joinKey(entry.Model, entry.Key), job.Quote{Total: *entry.Total, Parts: entry.Parts}, entry.Asked)
	}
	return file, nil
}

func decodeQuotes(content []byte) ([]quoteEntry, error) {
	if len(content) > maxQuoteFile {
		return nil, fmt.Errorf("the file has more than %d bytes", maxQuoteFile)
	}
	var entries quoteEntries
	if err := json.Unmarshal(bytes.TrimSpace(content), &entries); err != nil {
		return nil, err
	}
	for i := range entries.Quotes {
		entry := &entries.Quotes[i]
		if entry.Key == "" || entry.Model == "" || entry.Total == nil || entry.Asked.IsZero() {
			return nil, fmt.Errorf("entry %d lacks its key, model, total or time", i+1)
		}
	}
	return entries.Quotes, nil
}

// WriteTo writes the prices as JSON, the youngest first, without those that are
// too old to be used. It returns the number of bytes and the writer's error.
func (f *QuoteFile) WriteTo(w io.Writer) (int64, error) {
	content, err := json.MarshalIndent(quoteEntries{Quotes: f.entries(wallClock())}, "", " ")
	if err != nil {
		return 0, fmt.Errorf("write kept prices: %w", err)
	}
	n, err := w.Write(append(content, '\n'))
	if err != nil {
		return int64(n), fmt.Errorf("write kept prices: %w", err)
	}
	return int64(n), nil
}

func (f *QuoteFile) entries(now time.Time) []quoteEntry {
	f.mu.Lock()
	defer f.mu.Unlock()
	entries := make([]quoteEntry, 0, len(f.quotes))
	for key, kept := range f.quotes {
		if !fresh(kept.asked, now) {
			continue
		}
		model, digest := splitKey(key)
		entries = append(entries, quoteEntry{Key: digest, Model: model, Total: &kept.Total, Parts: kept.Parts, Asked: kept.asked})
	}
	slices.SortFunc(entries, func(a, b quoteEntry) int {
		return cmp.Or(b.Asked.Compare(a.Asked), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Key, b.Key))
	})
	return entries
}

// Find returns the price under a key, however old it is.
func (f *QuoteFile) Find(key string) (q job.Quote, asked time.Time, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept, ok := f.quotes[key]
	return job.Quote{Total: kept.Total, Parts: maps.Clone(kept.Parts)}, kept.asked, ok
}

// Keep remembers a price; of two under one key the younger stays.
func (f *QuoteFile) Keep(key string, q job.Quote, asked time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.quotes == nil {
		f.quotes = make(map[string]keptQuote)
	}
	if kept, ok := f.quotes[key]; ok && kept.asked.After(asked) {
		return
	}
	f.quotes[key] = keptQuote{job.Quote{Total: q.Total, Parts: maps.Clone(q.Parts)}, asked}
	if len(f.quotes) > maxQuotes {
		delete(f.quotes, f.oldest())
	}
}

func (f *QuoteFile) oldest() string {
	return slices.MinFunc(slices.Collect(maps.Keys(f.quotes)), func(a, b string) int {
		return f.quotes[a].asked.Compare(f.quotes[b].asked)
	})
}
