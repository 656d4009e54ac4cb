package progress

import (
	"fmt"
	"io"
	"math"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/outlook"
)

// Outcome says how a run ended.
type Outcome = outlook.Outcome

// The outcomes of a run that is over.
const (
	Complete    = outlook.Complete
	Over        = outlook.Over
	Interrupted = outlook.Interrupted
	Blocked     = outlook.Blocked
	Cancelled   = outlook.Cancelled
)

// Summary is what a run has to say when it is over. What is zero is left out.
type Summary struct {
	Batch   string
	Mode    job.Mode
	Outcome Outcome
	Reason  string // why it is blocked or was ended
	Hint    string // and what a person can do about it

	// Jobs by how they ended; Kept had their result before this run.
	// FailedBefore were refused for their content and charged, and were not run.
	Jobs          struct{ Total, Succeeded, Kept, Failed, Cancelled, NotRun, FailedBefore, Waiting int }
	Images        int                // stored in this run
	Failures      []job.FailureGroup // most frequent first
	Warned        int                // of the images, those with a warning
	ImageWarnings []job.WarningGroup // of images, most frequent first
	// CU of this run; Spent are those of all runs of the batch, and Cap is its budget, if it
	// has one.
	CU struct {
		Billed, Refunded job.CU
		Spent            job.CU
		FailedBefore     job.CU // what the jobs that failed before cost
		Cap              *job.CU
	}
	// Picks are how the images of the batch are marked; nil while none is.
	Picks    *job.Picks
	Requests int64 // sent to the API in this run
	Fleet    bool  // it was run by a fleet: Again repeats its plan as it was
	Took     time.Duration

	Folder string // where the images are: a path or an address
	Sheet  string // the contact sheet, likewise
	Errors string // the list of failures, likewise
	// Remote is what still runs at the provider and will be paid. Where the
	// provider ends with this process, as a simulator in it does, Gone is set:
	// nothing runs on and nothing is paid.
	Remote struct {
		Inferences int
		CU         job.CU
		Gone       bool
	}
	// Warnings are what of the manifest is hardly meant as it reads.
	Warnings []string
	Again    string // the command that goes on from here, as it would be typed
}

// Write writes the closing words, or one JSON object if the style says so. It
// returns the writer's error.
func (s Summary) Write(out io.Writer, style Style) error {
	if style.JSON {
		return writeJSON(out, s.json(time.Now()))
	}
	page := page{brush: brush(style.Color)}
	if style.Terminal {
		page.width = style.width()
	}
	if style.Terminal && !style.Quiet {
		page.blank() // below the live view
	}
	s.text(&page)
	if _, err := io.WriteString(Screen(out, style), page.String()); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// net is what the run cost.
func (s *Summary) net() job.CU { return s.CU.Billed - s.CU.Refunded }

// perJob is the requests for each job that ended in this run, to two decimals; 0
// if none did.
func (s *Summary) perJob() float64 {
	ended := s.Jobs.Succeeded + s.Jobs.Failed + s.Jobs.Cancelled
	if ended == 0 {
		return 0
	}
	return math.Round(float64(s.Requests)/float64(ended)*100) / 100
}

// sheetLink is the contact sheet as a link that terminals and browsers open, "" if
// it is not a file.
func (s *Summary) sheetLink() string {
	if s.Sheet == "" || strings.Contains(s.Sheet, "://") {
		return ""
	}
	path, err := filepath.Abs(s.Sheet)
	if err != nil {
		return "" // without a working directory there is no link
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/…
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}
