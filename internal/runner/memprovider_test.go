package runner_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/runner"
)

// memoryProvider is an image API with a ledger: runs are all that it ever accepted.
type memoryProvider struct {
	runs    []*memoryRun // the oldest first
	replies []reply      // to the next submissions; then all are accepted
	sent    int          // requests that it got
	broken  int          // downloads that break off from now on
	refuse  []error      // of the next reads
}

// reply is how the provider answers one submission. The zero reply accepts it.
type reply struct {
	err   error // in place of a receipt
	taken bool  // it was accepted all the same
	lag   time.Duration
	end   ending
}

// ending is how a run ends. The zero ending is a success with an image.
type ending struct {
	status    job.RunStatus
	transient bool
	kept      bool // the charge of a failed run
	images    int  // more than one; less than none is none
	billed    job.CU
	forgotten bool // the provider does not know it any more
}

type memoryRun struct {
	id      string
	inputs  job.Inputs
	model   string
	status  job.RunStatus
	created time.Time
	shown   time.Time // in lists from then on
	end     ending
}

func newMemoryProvider() *memoryProvider { return new(memoryProvider) }

func (m *memoryProvider) run(id string) *memoryRun {
	for _, run := range m.runs {
		if run.id == id {
			return run
		}
	}
	return nil
}

// charged is what a run costs in the end.
func (r *memoryRun) charged() job.CU {
	if r.end.status != job.RunSucceeded && !r.end.kept {
		return 0
	}
	return r.end.billed
}

func (m *memoryProvider) accept(model string, inputs job.Inputs, answer reply) *memoryRun {
	run := &memoryRun{
		id: fmt.Sprintf("run_%d", len(m.runs)), inputs: inputs, model: model, status: job.RunActive,
		created: time.Now(), shown: time.Now().Add(answer.lag), end: answer.end,
	}
	if run.end.status == "" {
		run.end.status = job.RunSucceeded
	}
	if run.end.billed == 0 {
		run.end.billed = price
	}
	m.runs = append(m.runs, run)
	return run
}

func (m *memoryProvider) nextReply() reply {
	m.sent++
	if len(m.replies) == 0 {
		return reply{}
	}
	next := m.replies[0]
	m.replies = m.replies[1:]
	return next
}

// refusal is the error with which the next read is refused, or nil.
func (m *memoryProvider) refusal() error {
	if len(m.refuse) == 0 {
		return nil
	}
	err := m.refuse[0]
	m.refuse = m.refuse[1:]
	return err
}

// assets are the ids of the images of a run.
func (r *memoryRun) assets() []string {
	if r.status != job.RunSucceeded {
		return nil
	}
	var ids []string
	for i := range max(r.end.images, 1) {
		ids = append(ids, r.id+"/"+strconv.Itoa(i))
	}
	if r.end.images < 0 {
		return nil
	}
	return ids
}

// inference is a run as the provider shows it now.
func (r *memoryRun) inference() job.Inference {
	run := job.Inference{ID: r.id, Model: r.model, Inputs: r.inputs, Author: "author", Status: job.RunActive, CreatedAt: r.created, UpdatedAt: r.created}
	if time.Since(r.created) < runTime {
		return run
	}
	r.status = r.end.status
	run.Status, run.UpdatedAt, run.AssetIDs = r.status, r.created.Add(runTime), r.assets()
	run.Billed, run.BilledKnown = r.end.billed, true
	if r.status != job.RunSucceeded {
		run.Failure, run.Transient, run.RefundDisabled = "it did not work", r.end.transient, r.end.kept
	}
	return run
}

// image are the bytes of an asset.
func image(asset string) string { return "the image " + asset }

// processProvider is the provider as one process reaches it.
type processProvider struct{ p *process }

func (s processProvider) read(ctx context.Context, name string, call func(*memoryProvider) error) error {
	return s.p.call(ctx, name, func() error {
		if err := s.p.bed.provider.refusal(); err != nil {
			return err
		}
		return call(s.p.bed.provider)
	})
}

func (s processProvider) SubmitBefore(ctx context.Context, late time.Time, model string, inputs job.Inputs) (run *job.Inference, err error) {
	err = s.p.call(ctx, "submit", func() error {
		if time.Now().After(late) {
			return errors.New("too late, nothing was sent")
		}
		m := s.p.bed.provider
		answer := m.nextReply()
		if answer.err != nil && !answer.taken {
			return answer.err
		}
		accepted := m.accept(model, inputs, answer).inference()
		run = &accepted
		return answer.err
	})
	return run, err
}

func (s processProvider) Inference(ctx context.Context, id string) (run *job.Inference, err error) {
	err = s.read(ctx, "read run", func(m *memoryProvider) error {
		known := m.run(id)
		if known == nil || known.end.forgotten {
			return job.ErrNotFound
		}
		shown := known.inference()
		run = &shown
		return nil
	})
	return run, err
}

func (s processProvider) Inferences(ctx context.Context, token string, size int) (runs []job.Inference, next string, err error) {
	err = s.read(ctx, "list runs", func(m *memoryProvider) error {
		for _, run := range slices.Backward(m.runs) {
			if !run.end.forgotten && !time.Now().Before(run.shown) {
				runs = append(runs, run.inference())
			}
		}
		return nil
	})
	return runs, "", err
}

func (s processProvider) Assets(ctx context.Context, ids []string) (assets []job.Asset, err error) {
	err = s.read(ctx, "read assets", func(*memoryProvider) error {
		for _, id := range ids {
			assets = append(assets, job.Asset{ID: id, Link: job.Link(id)})
		}
		return nil
	})
	return assets, err
}

func (s processProvider) Download(ctx context.Context, link job.Link) (body io.ReadCloser, length int64, err error) {
	err = s.p.call(ctx, "download", func() error {
		text := image(link.Reveal())
		if s.p.bed.provider.broken > 0 {
			s.p.bed.provider.broken--
			text = text[:3]
		}
		body, length = io.NopCloser(strings.NewReader(text)), int64(len(text))
		return nil
	})
	return body, length, err
}

func (processProvider) ClockOffset() (offset, uncertainty time.Duration) { return 0, 0 }

// processKeys are the API keys as one process has them.
type processKeys struct{ p *process }

func (s processKeys) Provider(string) (runner.Provider, error) { return processProvider(s), nil }
func (processKeys) Reader(apiKey string) string                { return apiKey }
func (processKeys) Since(string) time.Time                     { return time.Time{} }
