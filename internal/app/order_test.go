package app

import (
	"slices"
	"testing"

	"nightshift/internal/bucket"
)

// A batch is open for as long as one of its orders is not over. Closing an order may
// come at any moment of the next one's submission.
func TestOpenBatches(t *testing.T) {
	t.Parallel()
	first, second := &order{Batch: "test/icons", ID: "1-a", Number: 1}, &order{Batch: "test/icons", ID: "2-b", Number: 2}
	tests := []struct {
		name      string
		marked    []*order
		over, now *order
		want      bool
	}{
		{"the only one", []*order{first}, first, first, false},
		{"the next is submitted", []*order{first, second}, first, second, true},
		{"the next is written and not marked", []*order{first}, first, second, false},
		{"the one that came in its place", []*order{first, second}, second, second, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b, err := bucket.NewLocal(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range test.marked {
				if err := openBatch(t.Context(), b, o); err != nil {
					t.Fatal(err)
				}
			}
			if err := closeBatch(t.Context(), b, test.over, test.now); err != nil {
				t.Fatal(err)
			}
			open, err := openBatches(t.Context(), b)
			if err != nil || slices.Contains(open, "test/icons") != test.want {
				t.Errorf("open are %q, %v", open, err)
			}
		})
	}
}
