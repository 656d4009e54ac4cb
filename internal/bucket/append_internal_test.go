package bucket

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

var errSync = errors.New("input/output error")

// unsynced is a file on a disk that takes everything and makes nothing durable.
type unsynced struct{ *os.File }

func (unsynced) Sync() error { return errSync }

func TestLinesThatAreNotDurableAreTakenBack(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(name, []byte("one\nhalf"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := addLines(unsynced{file}, []byte("two\n")); !errors.Is(err, errSync) {
		t.Errorf("error %v, want %v", err, errSync)
	}
	if got, err := os.ReadFile(name); err != nil || string(got) != "one\n" {
		t.Errorf("the log holds %q, want the line of before: %v", got, err)
	}
}
