package nights

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/png"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/admission"
	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/plan"
	"nightshift/internal/pool"
	"nightshift/internal/simulator"
)

// planned are all jobs of the written plan.
func (n *night) planned() []job.Job {
	n.t.Helper()
	name := n.manifest.Batch() + "/" + batch.PlanName
	if o, err := batch.ReadSubmission(n.t.Context(), n.bucket, n.manifest.Batch()); err != nil {
		n.t.Fatal(err)
	} else if o != nil {
		name = o.Plan
	}
	file, err := os.Open(filepath.Join(n.folder, name))
	if err != nil {
		n.t.Fatal(err)
	}
	defer file.Close()
	var jobs []job.Job
	for decoder := json.NewDecoder(bufio.NewReader(file)); ; {
		var planned plan.PlannedJob
		err := decoder.Decode(&planned)
		if errors.Is(err, io.EOF) {
			return jobs
		}
		if err != nil {
			n.t.Fatal(err)
		}
		jobs = append(jobs, planned.Job)
	}
}

// content is what a job or a run asks for.
func content(model string, inputs job.Inputs) string { return model + string(inputs.Canonical()) }

// paidOnce judges by the ledger: for every job of the plan one inference was paid,
// and no other, those of strangers apart.
func (n *night) paidOnce(strangers ...string) {
	n.t.Helper()
	want := make(map[string]int) // inferences by what was asked for
	for _, j := range n.planned() {
		want[content(j.Model, j.Inputs)]++
	}
	paid := make(map[string]int)
	for _, entry := range n.ours(strangers) {
		if entry.Refund == 0 {
			paid[content(entry.Model, entry.Input)]++
		}
	}
	if diff := cmp.Diff(want, paid); diff != "" {
		n.t.Errorf("inferences that were paid (-want +got):\n%s", diff)
	}
}

// ours is the ledger without the runs of strangers.
func (p *place) ours(strangers []string) []simulator.Entry {
	theirs := make(map[string]bool)
	for _, id := range strangers {
		theirs[id] = true
	}
	var ours []simulator.Entry
	for _, entry := range p.sim.Ledger() {
		if !theirs[entry.JobID] {
			ours = append(ours, entry)
		}
	}
	return ours
}

// allStored judges by the folder: every image is there, whole, and nothing else.
func (n *night) allStored() {
	n.t.Helper()
	want, images := 0, 0
	for _, j := range n.planned() {
		want += len(j.Outputs)
	}
	folder := filepath.Join(n.folder, n.manifest.Batch())
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if strings.HasSuffix(path, ".part") {
			n.t.Errorf("unfinished file left: %s", path)
		}
		if filepath.Ext(path) != ".png" {
			return nil
		}
		images++
		return decode(path)
	})
	if err != nil {
		n.t.Error(err)
	}
	if images != want {
		n.t.Errorf("%d images are stored, want %d", images, want)
	}
}

func decode(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, _, err := image.Decode(file); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// noneFailed tells why jobs failed that should not have.
func (n *night) noneFailed() {
	n.t.Helper()
	for _, result := range n.failed() {
		n.t.Errorf("%s failed after %d attempts: %s", result.Row, result.Attempts, result.Reason)
	}
}

// failed are the jobs in the log that failed.
func (n *night) failed() []job.Result { return n.ended(n.log.Failed(n.t.Context())) }

// succeeded are the jobs in the log that succeeded.
func (n *night) succeeded() []job.Result { return n.ended(n.log.Succeeded(n.t.Context())) }

// ended are the jobs of a log, each once: a line may stand twice in it.
func (n *night) ended(log iter.Seq2[job.Result, error]) []job.Result {
	n.t.Helper()
	var ended []job.Result
	seen := make(map[job.ID]bool)
	for result, err := range log {
		if err != nil {
			n.t.Fatal(err)
		}
		if !seen[result.Job] {
			ended = append(ended, result)
		}
		seen[result.Job] = true
	}
	return ended
}

// questions are what is asked of a person.
func (n *night) questions() []job.Decision {
	n.t.Helper()
	open, err := batch.NewDecisions(n.bucket, n.manifest.Batch()).Open(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	return open
}

// onlyKey is the simulator's key of nights without a keys file.
const onlyKey = "sim"

// isTheirs reports whether another program started a run, as far as the night knows.
func (p *place) isTheirs(e simulator.Entry) bool { return p.theirs != nil && p.theirs(e) }

// booksAgree judges every CU: what the ledger took with each API key is what the
// logs of the batches say, what admission counts, and what results bill.
func (p *place) booksAgree(batches ...*night) {
	p.t.Helper()
	ledger, logs, counted, billed := make(map[string]job.CU), make(map[string]job.CU), make(map[string]job.CU), make(map[string]job.CU)
	accounts := make(map[string]admission.Account) // of keys that paid
	for _, entry := range slices.DeleteFunc(p.sim.Ledger(), p.isTheirs) {
		account := admission.Account{APIKey: entry.Key, Project: entry.Project, Team: entry.Team}
		if entry.Key == onlyKey {
			account = admission.Account{APIKey: pool.EnvironmentKey}
		}
		ledger[account.APIKey] += entry.Charge - entry.Refund
		accounts[account.APIKey] = account
	}
	for _, n := range batches {
		fold, err := n.fold(p.t.Context())
		if err != nil {
			p.t.Fatal(err)
		}
		for _, slice := range fold.Slices() {
			logs[slice.APIKey] += slice.CU
		}
		for _, open := range fold.InFlight() {
			p.t.Errorf("by the logs CU are held for job %s that is over: %+v", open.Job, open)
		}
		for _, result := range append(n.succeeded(), n.failed()...) {
			billed[result.APIKey] += result.Billed - result.Refunded
		}
	}
	maps.DeleteFunc(ledger, func(_ string, cu job.CU) bool { return cu == 0 })
	a := admission.New(admission.Options{Redis: p.client, Prefix: p.prefix()})
	open, err := a.Join(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	if !open { // emptied after the last job, so that nobody has counted anew
		maps.Copy(counted, ledger)
		accounts = nil
	}
	for id, account := range accounts {
		usage, err := a.Usage(p.t.Context(), admission.Scope{Kind: admission.Key, Name: id}, admission.Scope{Kind: admission.Team, Name: account.Team})
		if err != nil {
			p.t.Fatal(err)
		}
		key, team := usage[admission.Key], usage[admission.Team]
		counted[id] = key.Spent
		if key.Reserved != 0 || key.Running != 0 || team.Running != 0 {
			p.t.Errorf("after the last job key %s has %s CU reserved, %d slots taken, and its team %d",
				id, key.Reserved, key.Running, team.Running)
		}
	}
	for name, book := range map[string]map[string]job.CU{"logs": logs, "admission": counted, "results": billed} {
		maps.DeleteFunc(book, func(_ string, cu job.CU) bool { return cu == 0 })
		if diff := cmp.Diff(ledger, book); diff != "" {
			p.t.Errorf("CU by key (-ledger +%s):\n%s", name, diff)
		}
	}
}

// fold is what the logs of the batch say.
func (n *night) fold(ctx context.Context) (*batch.Fold, error) {
	return batch.ReadFold(ctx, n.bucket, n.manifest.Batch())
}
