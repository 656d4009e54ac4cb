package batch

import (
	"testing"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/redistest"
)

// ledger is a batch with attempts in every condition in which an earlier process can
// have left them, and a Redis that knows of none.
type ledger struct {
	t *testing.T
	Folder
	admission *admission.Admission
	in        admission.Account
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	b, err := bucket.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, client := redistest.Emulator(t)
	l := &ledger{
		t: t, Folder: NewFolder(b, "test/night"), admission: admission.New(admission.Options{Redis: client, Prefix: "ns"}),
		in: admission.Account{APIKey: "studio", Project: "levels", Team: "art"},
	}
	l.sent("flies", 2)
	l.sent("made", 3)
	l.made("made", 4, 1)
	l.must(l.admission.Begin(t.Context()))
	return l
}

func (l *ledger) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// sent notes that a request is about to be sent.
func (l *ledger) sent(id job.ID, quoted job.CU) {
	l.t.Helper()
	l.must(l.Attempts.Note(l.t.Context(), job.AttemptLine{
		Event: job.Intended, Job: id, Attempt: 1, Fence: 1, At: time.Now(), APIKey: l.in.APIKey, Project: l.in.Project, Team: l.in.Team,
		Quoted: quoted * job.OneCU, Spec: &job.Job{ID: id},
	}))
}

// made records a result.
func (l *ledger) made(id job.ID, billed, refunded job.CU) {
	l.t.Helper()
	l.must(l.Log.Append(l.t.Context(), job.Result{
		Job: id, State: job.Succeeded, Attempts: 1, APIKey: l.in.APIKey, Submitted: time.Now(), Recorded: time.Now(),
		Charge: &job.Charge{Project: l.in.Project, Team: l.in.Team, Billed: billed * job.OneCU, Refunded: refunded * job.OneCU},
	}))
}

func (l *ledger) adopt(id job.ID, amount job.CU) {
	l.t.Helper()
	l.must(l.admission.Adopt(l.t.Context(), job.Ref{Batch: l.Batch, ID: id}, 1, l.in, amount*job.OneCU, time.Now()))
}

// counted judges what Redis counts of the batch, in whole CU, and of the team's slots.
func (l *ledger) counted(spent, reserved job.CU, running int) {
	l.t.Helper()
	usage, err := l.admission.Usage(l.t.Context(),
		admission.Scope{Kind: admission.Batch, Name: l.Batch}, admission.Scope{Kind: admission.Team, Name: l.in.Team})
	l.must(err)
	of, slots := usage[admission.Batch], usage[admission.Team].Running
	if of.Spent != spent*job.OneCU || of.Reserved != reserved*job.OneCU || slots != running {
		l.t.Errorf("Redis counts %s CU spent, %s reserved and %d slots, want %d, %d and %d", of.Spent, of.Reserved, slots, spent, reserved, running)
	}
}

// What is not in flight is given back, and what was billed after the epoch had begun is
// settled.
func TestGrantsOfWhatIsOverAreEnded(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.adopt("flies", 2)
	l.adopt("made", 3)
	l.adopt("withdrawn", 5)
	l.sent("fetched again", 7)
	l.made("fetched again", 7, 0)
	l.adopt("fetched again", 0) // its price was counted before
	l.counted(0, 10, 4)
	for range 2 {
		fold, err := l.Fold(t.Context())
		l.must(err)
		l.must(l.EndGrants(t.Context(), l.admission, fold, fold.InFlight()))
		l.counted(4-1, 2, 1)
	}
}

// In a new epoch all that was spent counts, and what another batch has in flight is held
// without a slot.
func TestSpendIsCountedInANewLife(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.must(CountSpend(t.Context(), l.admission, l.Bucket, nil))
	l.counted(4-1, 2, 0)
	// What ends while an epoch begins counts by what was read of it at first.
	fold, err := l.Fold(t.Context())
	l.must(err)
	l.made("flies", 2, 0)
	l.must(l.admission.Begin(t.Context()))
	l.must(CountSpend(t.Context(), l.admission, l.Bucket, map[string]*Fold{l.Batch: fold}))
	l.counted(4-1, 0, 0)
}

// What was sent to a simulator that ended with its process is given up.
func TestWhatIsGoneIsGivenUp(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	left, err := l.Unfinished(t.Context(), nil)
	l.must(err)
	left.Forget(time.Now().Add(-time.Hour))
	if len(left.Open) != 1 || len(left.Sent) != 1 || len(left.Gone) != 0 {
		t.Fatalf("%d are open and %d gone, want one and none", len(left.Open), len(left.Gone))
	}
	left.Forget(time.Now().Add(time.Hour))
	if len(left.Open) != 0 || len(left.Sent) != 0 || len(left.Gone) != 1 {
		t.Fatalf("%d are open and %d gone, want none and one", len(left.Open), len(left.Gone))
	}
	l.must(l.GiveUp(t.Context(), left.Gone))
	fold, err := l.Fold(t.Context())
	l.must(err)
	if held, billed, _ := fold.Total(); held != 0 || billed != 4*job.OneCU || fold.Tried("flies") != 1 {
		t.Errorf("%s CU are held and %s billed, and %d attempts over", held, billed, fold.Tried("flies"))
	}
}
