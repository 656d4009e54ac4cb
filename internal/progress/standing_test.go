package progress

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/acarl005/stripansi"

	"nightshift/internal/job"
)

func sampleStanding(now time.Time) *BatchStatus {
	s := &BatchStatus{Snapshot: Snapshot{Pace: 0.5, Left: 8 * time.Minute}}
	s.Batch, s.Mode, s.Phase, s.Word, s.Started = "test/icons", job.Test, Running, "running", now.Add(-12*time.Minute)
	s.Jobs.Total, s.Jobs.Running, s.Jobs.Queued, s.Jobs.Kept = 240, 6, 194, 40
	s.Images.Done, s.Images.Total = 120, 400
	s.Notes = []Note{
		{About: "limit", Text: "adding workers will not help: the team's ceiling of 6 is full (6 run)"},
		{About: "trouble", Text: "worker-2: the bucket \x1b[31mdoes not answer", Alarm: true},
	}
	return s
}

// TestStandingFitsTheTerminal: no line is wider than the terminal, and all is said.
func TestStandingFitsTheTerminal(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)
	for _, width := range []int{50, 80, 120} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := sampleStanding(now).Write(&out, Style{Terminal: true, Width: width, Color: true}, now); err != nil {
				t.Fatal(err)
			}
			text := stripansi.Strip(out.String())
			for line := range strings.Lines(text) {
				if wide := columns(strings.TrimSuffix(line, "\n")); wide > width {
					t.Errorf("%d columns: %q", wide, line)
				}
			}
			if strings.Contains(out.String(), "\x1b[31mdoes") {
				t.Error("an escape sequence of a note passes")
			}
			words := strings.Join(strings.Fields(text), " ")
			for _, want := range []string{"test/icons running", "12m 00s", "6 running", "194 queued", "about 8m left", "ceiling of 6 is full (6 run)", "trouble worker-2"} {
				if !strings.Contains(words, want) {
					t.Errorf("it does not say %q:\n%s", want, text)
				}
			}
		})
	}
}

func TestStandingOnAPipeIsPlain(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC)
	var out strings.Builder
	if err := sampleStanding(now).Write(&out, Style{}, now); err != nil {
		t.Fatal(err)
	}
	want := "test/icons: running: 120 of 400 images (30%); 6 running, 194 queued, 40 kept; about 8m left\n" +
		"  limit     adding workers will not help: the team's ceiling of 6 is full (6 run)\n" +
		"  trouble   worker-2: the bucket does not answer\n"
	if out.String() != want {
		t.Errorf("it says\n%swant\n%s", out.String(), want)
	}
}

// TestTableSettlesItsWidths: what comes after the first rows is written as it comes.
func TestTableSettlesItsWidths(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	table := NewTable(&out, Style{}, []string{"ROW", "WHAT"})
	for i := range 3 * measured {
		if err := table.Row(fmt.Sprintf("row-%d", i), "x"); err != nil {
			t.Fatal(err)
		}
		if i == measured-2 && out.Len() > 0 {
			t.Error("widths are settled before the rows were measured")
		}
		if i >= measured && !strings.HasSuffix(out.String(), fmt.Sprintf("row-%d  x\n", i)) {
			t.Fatalf("row %d is held back", i)
		}
	}
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "\n"); got != 3*measured+1 {
		t.Errorf("%d lines, want %d", got, 3*measured+1)
	}
	if head := "ROW      WHAT\nrow-0    x\n"; !strings.HasPrefix(out.String(), head) {
		t.Errorf("it begins with %q", out.String()[:40])
	}
}
