package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"nightshift/internal/app"
	"nightshift/internal/job"
	"nightshift/internal/text"
	"nightshift/internal/text/terminaltest"
)

func TestWhoAgreesToThePrice(t *testing.T) {
	t.Parallel()
	budget := 100 * job.OneCU
	live := price{batch: "icons", mode: job.Live, jobs: 3, images: 4, cost: 32 * job.OneCU}
	test, free, capped := live, live, live
	test.mode, free.cost, capped.budget = job.Test, 0, &budget
	tests := map[string]struct {
		price   price
		yes     bool
		typed   string // at a terminal; "" on a pipe
		refused string
		asked   bool
	}{
		"test on a pipe":              {price: test},
		"test at a terminal":          {price: test, typed: "n\n"},
		"live and free":               {price: free},
		"live on a pipe":              {price: live, refused: "nobody can be asked here"},
		"live on a pipe with yes":     {price: live, yes: true},
		"live on a pipe and capped":   {price: capped},
		"live, yes at a terminal":     {price: live, yes: true, typed: "n\n"},
		"live, agreed to":             {price: live, typed: " Yes\n", asked: true},
		"live, y":                     {price: live, typed: "y\n", asked: true},
		"live, not agreed to":         {price: live, typed: "n\n", asked: true, refused: "not agreed to"},
		"live, nothing said":          {price: live, typed: "\n", asked: true, refused: "not agreed to"},
		"live and capped, asked, too": {price: capped, typed: "no\n", asked: true, refused: "not agreed to"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var printed bytes.Buffer
			p := app.Process{Stdin: strings.NewReader("y\n"), Stdout: &printed}
			var keeper *os.File
			if test.typed != "" {
				var terminal *os.File
				keeper, terminal = terminaltest.Open(t)
				if _, err := io.WriteString(keeper, test.typed); err != nil {
					t.Fatal(err)
				}
				p.Stdin, p.Stdout = terminal, text.NewCleanWriter(terminal) // as the program does
			}
			err := test.price.agree(t.Context(), p, test.yes)
			_, input := errors.AsType[*job.InputError](err)
			switch {
			case test.refused == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.refused != "" && (err == nil || !input || job.Hint(err) == "" || !strings.Contains(err.Error(), test.refused)):
				t.Errorf("error %v, want one of input with a hint that says %q", err, test.refused)
			}
			if test.asked {
				if shown := readSome(t, keeper); !strings.Contains(shown, "3 jobs, 4 images: 32 CU (live)") || !strings.Contains(shown, "Spend up to 32 CU? [y/N]") {
					t.Errorf("it asked %q", shown)
				}
			}
		})
	}
}

// readSome is what a terminal shows up to the question; what was typed is echoed before.
func readSome(t *testing.T, keeper *os.File) string {
	t.Helper()
	buffer, text := make([]byte, 4096), ""
	for !strings.Contains(text, "[y/N]") {
		n, err := keeper.Read(buffer)
		if err != nil {
			t.Fatalf("%v after %q", err, text)
		}
		text += string(buffer[:n])
	}
	return text
}
