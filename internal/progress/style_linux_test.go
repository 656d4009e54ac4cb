package progress

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/text/terminaltest"
)

// pty opens a pseudo terminal of this size.
func pty(t *testing.T, columns, rows uint16) *os.File {
	t.Helper()
	_, terminal := terminaltest.Open(t)
	terminaltest.Resize(t, terminal, columns, rows)
	return terminal
}

func TestStyleOfATerminal(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		environ []string
		want    Style
	}{
		"usual":          {[]string{"TERM=xterm-256color"}, Style{Terminal: true, Color: true, Width: 133}},
		"no colour":      {[]string{"TERM=xterm", "NO_COLOR=0"}, Style{Terminal: true, Width: 133}},
		"NO_COLOR empty": {[]string{"NO_COLOR="}, Style{Terminal: true, Color: true, Width: 133}},
		"the last one":   {[]string{"NO_COLOR=1", "NO_COLOR="}, Style{Terminal: true, Color: true, Width: 133}},
		"dumb":           {[]string{"TERM=dumb"}, Style{Width: 133}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := StyleOf(pty(t, 133, 40), test.environ, false, false)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("style (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSizeFollowsTheTerminal(t *testing.T) {
	t.Parallel()
	terminal := pty(t, 133, 40)
	size := sizeOf(terminal, Style{Width: 80})
	before, _ := size()
	terminaltest.Resize(t, terminal, 41, 7)
	columns, rows := size()
	if before != 133 || columns != 41 || rows != 7 {
		t.Errorf("%d columns, then %d and %d rows", before, columns, rows)
	}
}
