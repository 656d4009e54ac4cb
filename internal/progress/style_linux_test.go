package progress

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// pty opens a pseudo terminal of this size.
func pty(t *testing.T, columns, rows uint16) *os.File {
	t.Helper()
	keeper, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { _ = keeper.Close() })
	fd := int(keeper.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	resize(t, terminal, columns, rows)
	return terminal
}

func resize(t *testing.T, terminal *os.File, columns, rows uint16) {
	t.Helper()
	err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows})
	if err != nil {
		t.Fatal(err)
	}
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
	resize(t, terminal, 41, 7)
	columns, rows := size()
	if before != 133 || columns != 41 || rows != 7 {
		t.Errorf("%d columns, then %d and %d rows", before, columns, rows)
	}
}
