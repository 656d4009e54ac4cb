package nights

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"nightshift/internal/job"
)

// diary is what happened in a night, in order.
type diary struct {
	mu    sync.Mutex
	lines []line
}

type line struct {
	at   time.Time
	who  string
	what string
}

func (d *diary) note(who, format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line{time.Now(), who, strings.TrimSpace(fmt.Sprintf(format, args...))})
}

// has reports whether something was noted.
func (d *diary) has(what string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.lines, func(l line) bool { return l.what == what })
}

// request notes a request to the API.
func (d *diary) request(r *http.Request, response *http.Response, err error) {
	key, _, _ := r.BasicAuth()
	outcome := fmt.Sprint(err)
	if err == nil {
		outcome = response.Status
	}
	d.note("wire", "%s: %s %s: %s", key, r.Method, r.URL.RequestURI(), outcome)
}

// finding is a promise that a night broke.
type finding struct {
	promise string
	job     job.ID // "" where it is not one job's
	text    string
}

// fail notes a promise that was broken.
func (n *drawnNight) fail(promise string, id job.ID, format string, args ...any) {
	n.t.Helper()
	n.findings = append(n.findings, finding{promise, id, fmt.Sprintf(format, args...)})
	n.t.Errorf("seed %d: %s: %s", n.script.seed, promise, fmt.Sprintf(format, args...))
}

// tell tells the night, and what happened to the job of the first finding.
func (n *drawnNight) tell() string {
	var text strings.Builder
	fmt.Fprintln(&text, n.script)
	guilty := job.ID("")
	for _, f := range n.findings {
		if f.job != "" {
			guilty = f.job
			break
		}
	}
	for _, b := range n.batches {
		for id, j := range b.asked {
			if *aboutRow != "" && j.Row == *aboutRow {
				guilty = id
			}
		}
	}
	names := n.namesOf(guilty)
	if guilty != "" {
		fmt.Fprintf(&text, "timeline of job %s, inferences %q:\n", guilty, names[1:])
	}
	for _, l := range n.diary.lines {
		about := slices.ContainsFunc(names, func(name string) bool { return name != "" && strings.Contains(l.what, name) })
		if l.who == "wire" && !about && !*allWire || l.who == "simulator" && guilty != "" {
			continue
		}
		fmt.Fprintf(&text, "  %7.2fs %-9s %s\n", l.at.Sub(n.began).Seconds(), l.who, l.what)
	}
	if guilty != "" {
		text.WriteString(n.inLogs(guilty))
	}
	for _, e := range n.ledger() {
		if slices.Contains(names, e.JobID) || n.asks(guilty) == content(e.Model, e.Input) {
			fmt.Fprintf(&text, "  ledger: %s accepted %.2fs, ended %.2fs, %s, charge %s, refund %s, reply lost by %q\n", e.JobID,
				e.Accepted.Sub(n.began).Seconds(), e.Ended.Sub(n.began).Seconds(), e.Status, e.Charge, e.Refund, e.LostReply)
		}
	}
	return text.String()
}

// asks is what a job asks for; "" for one that is not known.
func (n *drawnNight) asks(id job.ID) string {
	for _, b := range n.batches {
		if j, known := b.asked[id]; known {
			return content(j.Model, j.Inputs)
		}
	}
	return ""
}

// namesOf are the job's id and those of the inferences that may be its own.
func (n *drawnNight) namesOf(id job.ID) []string {
	names := []string{string(id)}
	asked := n.asks(id)
	for _, e := range n.ledger() {
		if asked != "" && content(e.Model, e.Input) == asked {
			names = append(names, e.JobID, strings.ToUpper(e.JobID))
		}
	}
	return names
}

// inLogs are the lines of the logs that name a job.
func (n *drawnNight) inLogs(id job.ID) string {
	var text strings.Builder
	for _, b := range n.batches {
		for _, name := range []string{"_nightshift/attempts.jsonl", "results.jsonl", "errors.jsonl"} {
			data, err := os.ReadFile(filepath.Join(n.folder, b.manifest.Batch(), name))
			if err != nil {
				continue // it need not be there
			}
			for entry := range strings.Lines(string(data)) {
				if strings.Contains(entry, string(id)) {
					fmt.Fprintf(&text, "  %s: %s\n", name, strings.TrimSpace(entry))
				}
			}
		}
	}
	return text.String()
}
