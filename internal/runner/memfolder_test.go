package runner_test

import (
	"context"
	"io"
	"slices"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/runner"
)

// memoryFolder is the folder of the batch.
type memoryFolder struct {
	images    map[string]job.Image // by asset
	results   []job.Result
	attempts  []job.AttemptLine
	questions []job.Decision
	answers   []job.Answer
	refuse    []error       // of the next images
	noteError error         // of the next intents
	slow      time.Duration // that writing an intent takes; set before the test begins
	flaws     []string      // of the next images that are looked at; "" for none
}

func newMemoryFolder() *memoryFolder { return &memoryFolder{images: make(map[string]job.Image)} }

// holds reports whether all images of a run are there, and a result names it.
func (m *memoryFolder) holds(run *memoryRun) bool {
	for _, asset := range run.assets() {
		if _, there := m.images[asset]; !there {
			return false
		}
	}
	return slices.ContainsFunc(m.results, func(r job.Result) bool { return r.Inference == run.id })
}

// resultsOf are the different results of a job: a line may be written twice.
func (m *memoryFolder) resultsOf(id job.ID) []job.Result {
	var different []job.Result
	for _, r := range m.results {
		if r.Job == id && !slices.ContainsFunc(different, func(other job.Result) bool {
			return other.Inference == r.Inference && other.State == r.State && other.Billed == r.Billed
		}) {
			different = append(different, r)
		}
	}
	return different
}

// processFolder is the folder as one process reaches it.
type processFolder struct{ p *process }

func (s processFolder) Append(ctx context.Context, r job.Result) error {
	return s.p.call(ctx, "append result", func() error {
		s.p.bed.folder.results = append(s.p.bed.folder.results, r)
		return nil
	})
}

func (s processFolder) Note(ctx context.Context, line job.AttemptLine) error {
	if line.Event == job.Intended {
		time.Sleep(s.p.bed.folder.slow)
	}
	return s.p.call(ctx, "note that it is "+string(line.Event), func() error {
		m := s.p.bed.folder
		if err := m.noteError; err != nil && line.Event == job.Intended {
			m.noteError = nil
			return err
		}
		m.attempts = append(m.attempts, line)
		return nil
	})
}

func (s processFolder) Publish(ctx context.Context, open []job.Decision) error {
	return s.p.call(ctx, "ask a person", func() error {
		s.p.bed.folder.questions = slices.Clone(open)
		return nil
	})
}

func (s processFolder) Answers(ctx context.Context) (answers []job.Answer, err error) {
	err = s.p.call(ctx, "read answers", func() error {
		answers = slices.Clone(s.p.bed.folder.answers)
		return nil
	})
	return answers, err
}

// processImages stores images as one process does.
type processImages struct{ p *process }

func (s processImages) Existing(ctx context.Context, w runner.ImageTarget) (image job.Image, there bool, err error) {
	err = s.p.call(ctx, "look for image", func() error {
		image, there = s.p.bed.folder.images[w.Asset]
		return nil
	})
	return image, there, err
}

func (s processImages) inspect(ctx context.Context, _ string, _ job.Image) (flaw string, err error) {
	err = s.p.call(ctx, "inspect image", func() error {
		if m := s.p.bed.folder; len(m.flaws) > 0 {
			flaw, m.flaws = m.flaws[0], m.flaws[1:]
		}
		return nil
	})
	return flaw, err
}

func (s processImages) Store(ctx context.Context, w runner.ImageTarget, body io.Reader, _ int64) (stored job.Image, err error) {
	content, err := io.ReadAll(body)
	if err != nil {
		return stored, err
	}
	err = s.p.call(ctx, "store image", func() error {
		m := s.p.bed.folder
		if len(m.refuse) > 0 {
			err := m.refuse[0]
			m.refuse = m.refuse[1:]
			return err
		}
		if string(content) != image(w.Asset) {
			return &job.BadImageError{Reason: "it breaks off", Bytes: int64(len(content))}
		}
		stored = job.Image{Key: w.Name, Asset: w.Asset, Bytes: int64(len(content))}
		m.images[w.Asset] = stored
		return nil
	})
	return stored, err
}
