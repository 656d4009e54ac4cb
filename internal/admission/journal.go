package admission

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/job"
)

// Entries returns the oldest movements of a batch's CU that were not forgotten, at
// most limit of them, in their order. The scripts append them together with the
// movements themselves, so none is missing and none is made up.
func (a *Admission) Entries(ctx context.Context, batch string, limit int64) ([]job.Entry, error) {
	messages, err := a.redis.XRangeN(ctx, a.keys.journal(batch), "-", "+", limit).Result()
	if err != nil {
		return nil, fmt.Errorf("read journal of batch %q: %w", batch, err)
	}
	entries := make([]job.Entry, len(messages))
	for i, message := range messages {
		if entries[i], err = entryOf(message); err != nil {
			return nil, fmt.Errorf("read journal of batch %q, entry %s: %w", batch, message.ID, err)
		}
	}
	return entries, nil
}

// Forget drops entries that were exported.
func (a *Admission) Forget(ctx context.Context, batch string, entries []job.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	ids := make([]string, len(entries))
	for i, entry := range entries {
		ids[i] = entry.Place
	}
	if err := a.redis.XDel(ctx, a.keys.journal(batch), ids...).Err(); err != nil {
		return fmt.Errorf("forget exported journal of batch %q: %w", batch, err)
	}
	return nil
}

// entryOf reads what grant.lua notes.
func entryOf(message redis.XMessage) (job.Entry, error) {
	f := fields{values: message.Values}
	ref, attempt, ok := parseOwner(f.text("owner"))
	if !ok {
		return job.Entry{}, fmt.Errorf("%q names no attempt", f.text("owner"))
	}
	entry := job.Entry{
		Life: f.text("life"), Place: message.ID, Event: job.EntryEvent(f.text("event")), Batch: ref.Batch, Job: ref.ID, Attempt: attempt,
		APIKey: f.text("key"), Project: f.text("project"), Team: f.text("team"),
		Reserved: job.CU(f.number("reserved")), Billed: job.CU(f.number("billed")), Refunded: job.CU(f.number("refunded")),
		Charged: time.UnixMilli(f.number("charged")).UTC(),
	}
	written, _, _ := strings.Cut(message.ID, "-")
	ms, err := strconv.ParseInt(written, 10, 64)
	if err != nil {
		return job.Entry{}, fmt.Errorf("%q is not a place", message.ID)
	}
	entry.At = time.UnixMilli(ms).UTC()
	return entry, f.err
}

// fields reads the values of an entry and keeps the first error.
type fields struct {
	values map[string]any
	err    error
}

func (f *fields) text(name string) string {
	text, _ := f.values[name].(string)
	return text
}

func (f *fields) number(name string) int64 {
	n, err := strconv.ParseInt(f.text(name), 10, 64)
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("field %s: %w", name, err)
	}
	return n
}
