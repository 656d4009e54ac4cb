package results_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/results"
)

// newLocal returns the bucket that nights are kept in.
func newLocal(t testing.TB) *bucket.Local {
	t.Helper()
	local, err := bucket.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return local
}

func readFile(t testing.TB, local *bucket.Local, key string) string {
	t.Helper()
	data, err := os.ReadFile(local.Path(key))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func writeFile(t testing.TB, local *bucket.Local, key, text string) {
	t.Helper()
	if err := os.WriteFile(local.Path(key), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// movements makes the entries of a life in which jobs, counted from first, are
// reserved at 2 CU and settled at 3, of which 1 is refunded.
func movements(life string, first, jobs int) []job.Entry {
	entries := make([]job.Entry, 0, 2*jobs)
	for i := first; i < first+jobs; i++ {
		at := sampleStart.Add(time.Duration(i) * time.Second)
		reserve := job.Entry{
			Life: life, Place: fmt.Sprintf("%d-0", at.UnixMilli()), At: at, Event: job.EntryReserve,
			Batch: "night", Job: job.ID(fmt.Sprintf("job%07d", i)), Attempt: 1,
			APIKey: fmt.Sprint("key", i%2), Project: "proj", Team: "team", Reserved: 2 * job.OneCU,
		}
		settle := reserve
		settle.Event, settle.Place = job.EntrySettle, fmt.Sprintf("%d-1", at.UnixMilli())
		settle.Billed, settle.Refunded = 3*job.OneCU, job.OneCU
		entries = append(entries, reserve, settle)
	}
	return entries
}

func appendEntries(t testing.TB, journal *results.Journal, entries []job.Entry) {
	t.Helper()
	if err := journal.Append(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
}

func allEntries(t testing.TB, lines iter.Seq2[job.Entry, error]) []job.Entry {
	t.Helper()
	var all []job.Entry
	for entry, err := range lines {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry)
	}
	return all
}

// spent is what a sum says in short.
func spent(t testing.TB, journal *results.Journal) string {
	t.Helper()
	spend, err := journal.Spend(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	held, billed, refunded := spend.Total()
	return fmt.Sprintf("%s held, %s billed, %s refunded, %d open", held, billed, refunded, len(spend.Open()))
}

func wantSpent(t testing.TB, journal *results.Journal, want string) {
	t.Helper()
	if got := spent(t, journal); got != want {
		t.Errorf("%s; want %s", got, want)
	}
}

func TestJournalOutlivesItsWriter(t *testing.T) {
	t.Parallel()
	local := newLocal(t)
	journal := results.NewJournal(local, "night")
	if got := allEntries(t, journal.All(t.Context())); got != nil {
		t.Errorf("%d entries from nothing", len(got))
	}
	wantSpent(t, journal, "0 held, 0 billed, 0 refunded, 0 open")
	want := movements("life1", 0, 10)
	appendEntries(t, journal, want[:7])
	appendEntries(t, journal, want[7:19])
	appendEntries(t, journal, nil)
	later := results.NewJournal(local, "night")
	if diff := cmp.Diff(want[:19], allEntries(t, later.All(t.Context()))); diff != "" {
		t.Errorf("the journal (-want +got):\n%s", diff)
	}
	wantSpent(t, later, "2 held, 27 billed, 9 refunded, 1 open")
}

func TestJournalLeavesOutWhatItHolds(t *testing.T) {
	t.Parallel()
	local := newLocal(t)
	entries := movements("life1", 0, 10)
	appendEntries(t, results.NewJournal(local, "night"), entries[:12])
	later := results.NewJournal(local, "night") // an exporter that begins again too early
	appendEntries(t, later, entries[5:])
	appendEntries(t, later, entries[15:])
	if diff := cmp.Diff(entries, allEntries(t, later.All(t.Context()))); diff != "" {
		t.Errorf("the journal (-want +got):\n%s", diff)
	}
}

func TestJournalCutsATornTail(t *testing.T) {
	t.Parallel()
	local := newLocal(t)
	entries := movements("life1", 0, 4)
	appendEntries(t, results.NewJournal(local, "night"), entries)
	text := readFile(t, local, "night/spend.jsonl")
	lines := strings.SplitAfter(text, "\n")
	for _, torn := range []string{text[:len(text)-1], text[:len(text)-len(lines[7])/2], text[:len(text)-len(lines[7])+1]} {
		writeFile(t, local, "night/spend.jsonl", torn)
		later := results.NewJournal(local, "night")
		wantSpent(t, later, "2 held, 9 billed, 3 refunded, 1 open")
		appendEntries(t, later, entries) // the torn one was never said to be there
		if got := readFile(t, local, "night/spend.jsonl"); got != text {
			t.Errorf("after a torn write of %d bytes:\n%s", len(torn), got)
		}
	}
}

func TestJournalCountsARepeatedTailOnce(t *testing.T) {
	t.Parallel()
	local := newLocal(t)
	appendEntries(t, results.NewJournal(local, "night"), movements("life1", 0, 4))
	text := readFile(t, local, "night/spend.jsonl")
	half := strings.Index(text[len(text)/2:], "\n") + len(text)/2 + 1
	writeFile(t, local, "night/spend.jsonl", text+text[half:])
	later := results.NewJournal(local, "night")
	wantSpent(t, later, "0 held, 12 billed, 4 refunded, 0 open")
	appendEntries(t, later, movements("life1", 2, 3))
	wantSpent(t, later, "0 held, 15 billed, 5 refunded, 0 open")
}

func TestJournalOfTwoLives(t *testing.T) {
	t.Parallel()
	local := newLocal(t)
	first := movements("life1", 100, 10)
	appendEntries(t, results.NewJournal(local, "night"), first[:19]) // the last job's settle is lost
	second := movements("life2", 0, 2)                               // its places are before those of the first
	adopt, settle := first[18], first[19]
	adopt.Event, adopt.Life, adopt.Place = job.EntryAdopt, "life2", "5-0"
	settle.Life, settle.Place = "life2", "5-1"
	settledAgain := first[1]
	settledAgain.Life, settledAgain.Place = "life2", "5-2"
	later := results.NewJournal(local, "night")
	appendEntries(t, later, append([]job.Entry{adopt, settle, settledAgain}, second...))
	wantSpent(t, later, "0 held, 36 billed, 12 refunded, 0 open")
	if got, want := len(allEntries(t, later.All(t.Context()))), 19+3+4; got != want {
		t.Errorf("%d entries, want %d", got, want)
	}
}

func TestJournalRefusesWhatItCannotHold(t *testing.T) {
	t.Parallel()
	local := newLocal(t)
	journal := results.NewJournal(local, "night")
	good := movements("life1", 0, 1)
	other, placeless := good[1], good[1]
	other.Batch, placeless.Place = "relics", "soon"
	for _, bad := range []job.Entry{other, placeless} {
		if err := journal.Append(t.Context(), []job.Entry{good[0], bad}); !errors.Is(err, job.ErrInvalid) {
			t.Errorf("batch %s, place %s: error %v, want one of kind invalid", bad.Batch, bad.Place, err)
		}
	}
	appendEntries(t, journal, good)
	if got := allEntries(t, journal.All(t.Context())); len(got) != 2 {
		t.Errorf("%d entries, want the two that were good", len(got))
	}
}

func TestJournalNamesADamagedLine(t *testing.T) {
	t.Parallel()
	local := newLocal(t)
	appendEntries(t, results.NewJournal(local, "night"), movements("life1", 0, 3))
	text := readFile(t, local, "night/spend.jsonl")
	lines := strings.SplitAfter(text, "\n")
	for name, bad := range map[string]string{"cut off": lines[3][:20] + "\n", "no entry": "{}\n"} {
		writeFile(t, local, "night/spend.jsonl", strings.Join(lines[:3], "")+bad+strings.Join(lines[4:], ""))
		journal := results.NewJournal(local, "night")
		_, err := journal.Spend(t.Context())
		if err == nil || !strings.Contains(err.Error(), "night/spend.jsonl, line 4") || job.Hint(err) == "" {
			t.Errorf("%s: error %v with hint %q", name, err, job.Hint(err))
		}
		if err := journal.Append(t.Context(), movements("life1", 3, 1)); err == nil {
			t.Errorf("%s: entries were appended to a file of which nobody knows what it holds", name)
		}
	}
}

// TestJournalOfManyExporters has each copy the whole stream, as exporters do that
// do not know of each other.
func TestJournalOfManyExporters(t *testing.T) {
	t.Parallel()
	const exporters, chunk = 8, 250
	journal := results.NewJournal(newLocal(t), "night")
	stream := movements("life1", 0, 5000)
	var running sync.WaitGroup
	for range exporters {
		running.Go(func() {
			for start := 0; start < len(stream); start += chunk {
				if err := journal.Append(t.Context(), stream[start:start+chunk]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	if diff := cmp.Diff(stream, allEntries(t, journal.All(t.Context()))); diff != "" {
		t.Errorf("10,000 entries (-want +got):\n%s", diff)
	}
	wantSpent(t, journal, "0 held, 15000 billed, 5000 refunded, 0 open")
}

// TestJournalOfManyLives appends 10,000 entries of which none is another's.
func TestJournalOfManyLives(t *testing.T) {
	t.Parallel()
	const lives, chunk = 20, 50
	journal := results.NewJournal(newLocal(t), "night")
	var running sync.WaitGroup
	for life := range lives {
		running.Go(func() {
			entries := movements(fmt.Sprint("life", life), life*250, 250)
			for start := 0; start < len(entries); start += chunk {
				if err := journal.Append(t.Context(), entries[start:start+chunk]); err != nil {
					t.Error(err)
				}
				if life == 7 && start == 200 {
					if err := journal.Checkpoint(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	running.Wait()
	if got := len(allEntries(t, journal.All(t.Context()))); got != 10_000 {
		t.Errorf("%d entries, want 10000", got)
	}
	wantSpent(t, journal, "0 held, 15000 billed, 5000 refunded, 0 open")
}

// fullDisk is a bucket whose disk is full for a while.
type fullDisk struct {
	*bucket.Local
	full atomic.Bool
}

func (f *fullDisk) Append(ctx context.Context, key string, data []byte) error {
	if f.full.Load() {
		return errDisk
	}
	return f.Local.Append(ctx, key, data)
}

func TestJournalGoesOnAfterAFullDisk(t *testing.T) {
	t.Parallel()
	disk := &fullDisk{Local: newLocal(t)}
	journal := results.NewJournal(disk, "night")
	entries := movements("life1", 0, 6)
	appendEntries(t, journal, entries[:4])
	disk.full.Store(true)
	if err := journal.Append(t.Context(), entries[4:]); !errors.Is(err, errDisk) {
		t.Errorf("error %v, want %v", err, errDisk)
	}
	disk.full.Store(false)
	appendEntries(t, journal, entries[4:])
	if diff := cmp.Diff(entries, allEntries(t, journal.All(t.Context()))); diff != "" {
		t.Errorf("the journal (-want +got):\n%s", diff)
	}
}

func TestJournalStopsWithItsCaller(t *testing.T) {
	t.Parallel()
	journal := results.NewJournal(newLocal(t), "night")
	appendEntries(t, journal, movements("life1", 0, 2))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(job.ErrInterrupted)
	_, err := journal.Spend(ctx)
	for name, err := range map[string]error{
		"Append": journal.Append(ctx, movements("life1", 2, 2)), "Checkpoint": journal.Checkpoint(ctx), "Spend": err,
	} {
		if !errors.Is(err, job.ErrInterrupted) {
			t.Errorf("%s: error %v, want that of the interruption", name, err)
		}
	}
}

// watched is a bucket that counts what is read of the journal, and need not seek.
type watched struct {
	*bucket.Local
	read    atomic.Int64
	puts    atomic.Int64
	streams bool // objects can only be read from their start
}

func (w *watched) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	body, err := w.Local.Open(ctx, key)
	if err != nil || key != "night/spend.jsonl" {
		return body, err
	}
	counted := &countedBody{ReadCloser: body, read: &w.read}
	if w.streams {
		return counted, nil
	}
	return struct {
		*countedBody
		io.Seeker
	}{counted, body.(io.Seeker)}, nil
}

func (w *watched) Put(ctx context.Context, key string, body io.Reader) error {
	w.puts.Add(1)
	return w.Local.Put(ctx, key, body)
}

type countedBody struct {
	io.ReadCloser
	read *atomic.Int64
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.read.Add(int64(n))
	return n, err
}
