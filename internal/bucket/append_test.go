package bucket_test

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestAppendCutsATornLineOff(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10_000)
	tests := []struct{ name, before, after string }{
		{"nothing there", "", "new\n"},
		{"whole lines", "one\ntwo\n", "one\ntwo\nnew\n"},
		{"torn line", "one\n{\"half", "one\nnew\n"},
		{"torn long line", "one\n" + long, "one\nnew\n"},
		{"torn behind a long line", long + "\n" + "half", long + "\nnew\n"},
		{"only a torn line", "half", "new\n"},
		{"only a torn long line", long, "new\n"},
		{"an empty line", "\n", "\nnew\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newLocal(t, t.TempDir())
			if err := os.WriteFile(b.Path("log.jsonl"), []byte(test.before), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := b.Append(t.Context(), "log.jsonl", []byte("new\n")); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(b.Path("log.jsonl"))
			if err != nil || string(got) != test.after {
				t.Errorf("the log holds %.60q (%d bytes), want %.60q: %v", got, len(got), test.after, err)
			}
		})
	}
}

func TestAppendWritesNothingAfterTheEndOfItsContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := newLocal(t, dir).Append(cancelledContext(t), "batch/log.jsonl", []byte("x\n")); !errors.Is(err, errCancelled) {
		t.Errorf("Append = %v", err)
	}
	if names := tree(t, dir); len(names) != 0 {
		t.Errorf("these were made: %v", names)
	}
}
