package cli

import (
	"slices"
	"testing"

	"nightshift/internal/batch"
	"nightshift/internal/bucket"
)

// A batch is open for as long as one of its submissions is not over. Closing a submission may
// come at any moment of the next one's submission.
func TestOpenBatches(t *testing.T) {
	t.Parallel()
	first, second := &batch.Submission{Batch: "test/icons", ID: "1-a", Revision: 1}, &batch.Submission{Batch: "test/icons", ID: "2-b", Revision: 2}
	tests := []struct {
		name      string
		marked    []*batch.Submission
		over, now *batch.Submission
		want      bool
	}{
		{"the only one", []*batch.Submission{first}, first, first, false},
		{"the next is submitted", []*batch.Submission{first, second}, first, second, true},
		{"the next is written and not marked", []*batch.Submission{first}, first, second, false},
		{"the one that came in its place", []*batch.Submission{first, second}, second, second, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b, err := bucket.NewLocal(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range test.marked {
				if err := batch.OpenBatch(t.Context(), b, o); err != nil {
					t.Fatal(err)
				}
			}
			if err := batch.CloseBatch(t.Context(), b, test.over, test.now); err != nil {
				t.Fatal(err)
			}
			open, err := batch.OpenBatches(t.Context(), b)
			if err != nil || slices.Contains(open, "test/icons") != test.want {
				t.Errorf("open are %q, %v", open, err)
			}
		})
	}
}

// A submission that is placed while the one before is being closed stays open.
func TestClosingLeavesTheNextOrderOpen(t *testing.T) {
	t.Parallel()
	b, err := bucket.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	first, second := &batch.Submission{Batch: "test/icons", ID: "9-a", Revision: 9}, &batch.Submission{Batch: "test/icons", ID: "10-b", Revision: 10}
	for _, o := range []*batch.Submission{first, second} { // the second after the first was read, and before it is closed
		if err := openSubmission(t.Context(), b, o); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.CloseBatch(t.Context(), b, first, first); err != nil {
		t.Fatal(err)
	}
	if open, err := batch.OpenBatches(t.Context(), b); err != nil || !slices.Equal(open, []string{"test/icons"}) {
		t.Errorf("open are %q, %v", open, err)
	}
	if err := batch.CloseBatch(t.Context(), b, second, second); err != nil {
		t.Fatal(err)
	}
	if open, err := batch.OpenBatches(t.Context(), b); err != nil || len(open) > 0 {
		t.Errorf("still open are %q, %v", open, err)
	}
}

// A cancellation that came just before a pause of the same submission stands.
func TestCancelIsFinal(t *testing.T) {
	t.Parallel()
	b, err := bucket.NewLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := &batch.Submission{Batch: "icons", ID: "1-a", Revision: 1}
	for _, state := range []batch.ControlState{batch.ControlPause, batch.ControlCancel, batch.ControlPause, batch.ControlGo} {
		if err := batch.WriteControl(t.Context(), b, o, batch.Control{State: state}); err != nil {
			t.Fatal(err)
		}
	}
	if c, err := batch.ReadControl(t.Context(), b, o); err != nil || c.State != batch.ControlCancel {
		t.Errorf("the order is %q, %v", c.State, err)
	}
	if c, err := batch.ReadControl(t.Context(), b, &batch.Submission{Batch: "icons", ID: "2-a", Revision: 2}); err != nil || c.State != batch.ControlGo {
		t.Errorf("the next order is %q, %v", c.State, err)
	}
}
