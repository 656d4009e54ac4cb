package progress

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A pipe gets neither colours nor a live view, whatever the environment says.
func TestStyleOfAPipe(t *testing.T) {
	t.Parallel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = reader.Close(), writer.Close() })
	for name, out := range map[string]io.Writer{"pipe": writer, "buffer": &bytes.Buffer{}} {
		want := Style{Quiet: true, JSON: true}
		if diff := cmp.Diff(want, StyleOf(out, []string{"TERM=xterm"}, true, true)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPaintOnlyWithColour(t *testing.T) {
	t.Parallel()
	if got := brush(false).paint(red, "a"); got != "a" {
		t.Errorf("without: %q", got)
	}
	if got := brush(true).paint(red, "a"); got != "\x1b[31ma\x1b[0m" {
		t.Errorf("with: %q", got)
	}
}
