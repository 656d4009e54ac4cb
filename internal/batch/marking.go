package batch

import (
	"cmp"
	"context"
	"time"

	"nightshift/internal/bucket"
	"nightshift/internal/job"
)

// MarkRequest says which images get which marks: those that Rows name, or those of a file.
// One that names none only asks how the images are marked.
type MarkRequest struct {
	Rows   []string // as people name images: a row, or ROW:2 for its second image
	Mark   job.Mark // of the images of Rows
	Reason string   // why they get it
	File   *PickFile
	DryRun bool   // nothing is noted
	Arg    string // what the batch is called on a command line, for hints
}

// Marked is what came of marking images, or how they are marked. The names of its JSON stay.
type Marked struct {
	Batch  string `json:"batch"`
	DryRun bool   `json:"dryRun,omitempty"` // nothing was noted
	// Noted are marks that are new; those that were there already are Unchanged.
	Noted     int `json:"noted"`
	Unchanged int `json:"unchanged,omitempty"`
	// Changed are images that had another mark.
	Changed []ChangedMark `json:"changed,omitempty"`
	// NotTaken are marks of images that are not there any more.
	NotTaken []LeftOut `json:"notTaken,omitempty"`
	// Outdated are picked images in whose place the batch, as it is planned now, makes others.
	Outdated []LeftOut `json:"outdated,omitempty"`
	// Images are those of the batch that were made, and Picks how they are marked now.
	Images int `json:"images"`
	job.Picks
	// Marks are all marks that stand.
	Marks []Pick `json:"marks"`
	// Waiting are jobs that waited for a pick when the batch was last submitted.
	Waiting int `json:"-"`
}

// ChangedMark is an image whose mark is another now.
type ChangedMark struct {
	Row   string    `json:"row"`
	Image string    `json:"image"`
	Was   job.Mark  `json:"was"`
	Mark  job.Mark  `json:"mark"`
	By    string    `json:"by,omitempty"` // the way by which the earlier mark came
	At    time.Time `json:"at"`           // when it came
}

// LeftOut is an image with which nothing was done, and why. The names of its JSON stay.
type LeftOut struct {
	Row    string `json:"row"`
	Image  string `json:"image"`
	Reason string `json:"reason"`
}

// Mark notes marks of images. It returns a [job.InputError] where one that is named is not
// there, and where no mark of a file fits; nothing is noted then.
func (f *Folder) Mark(ctx context.Context, r *MarkRequest) (*Marked, error) {
	m := marker{folder: f, request: r, done: &Marked{Batch: f.Batch, DryRun: r.DryRun}}
	if err := m.read(ctx); err != nil {
		return nil, err
	}
	wishes, err := m.wishes(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.note(ctx, wishes); err != nil {
		return nil, err
	}
	return m.done, m.count(ctx)
}

// marker marks images of one batch.
type marker struct {
	folder  *Folder
	request *MarkRequest
	images  []PlannedImage
	picks   *Picks
	done    *Marked
}

// wish is a mark that an image is to have.
type wish struct {
	image  PlannedImage
	mark   job.Mark
	rating *int
	by     string
	why    string
}

func (m *marker) read(ctx context.Context) (err error) {
	if m.images, err = m.folder.PlannedImages(ctx); err != nil {
		return err
	}
	if m.picks, err = ReadPicks(ctx, m.folder.Bucket, m.folder.Batch); err != nil {
		return err
	}
	last, err := ReadSubmission(ctx, m.folder.Bucket, m.folder.Batch)
	if last != nil {
		m.done.Waiting = last.Waiting
	}
	return err
}

func (m *marker) wishes(ctx context.Context) ([]wish, error) {
	if m.request.File == nil {
		return m.named(ctx)
	}
	identity, err := bucket.ReadIdentity(ctx, m.folder.Bucket)
	if err != nil {
		return nil, err
	}
	if err := m.request.File.belongs(m.folder.Batch, identity); err != nil {
		return nil, err
	}
	return m.filed(ctx)
}

// note appends what is new.
func (m *marker) note(ctx context.Context, wishes []wish) error {
	now := time.Now().UTC().Truncate(time.Millisecond)
	var lines []Pick
	for i := range wishes {
		w := &wishes[i]
		if w.image.Outdated && w.mark == job.Picked {
			m.done.Outdated = append(m.done.Outdated, LeftOut{w.image.Row, w.image.Image.Key, "as it is planned now, the batch makes another image in its place"})
		}
		was, marked := m.picks.Last(w.image.Picture())
		if !marked {
			was.Mark = job.Unmarked
		}
		if w.isNoted(&was) {
			m.done.Unchanged++
			continue
		}
		if was.Mark != job.Unmarked && was.Mark != w.mark {
			m.done.Changed = append(m.done.Changed, ChangedMark{w.image.Row, w.image.Image.Key, was.Mark, w.mark, was.By, was.At})
		}
		lines = append(lines, Pick{
			At: now, Row: w.image.Row, Job: w.image.Job, Image: w.image.Image.Key, N: w.image.N,
			Mark: w.mark, Rating: cmp.Or(w.rating, was.Rating), By: w.by, Reason: w.why,
		})
	}
	m.done.Noted = len(lines)
	if m.request.DryRun {
		return nil
	}
	return AppendPicks(ctx, m.folder.Bucket, m.folder.Batch, lines)
}

// isNoted reports whether a line says all that is wished for.
func (w *wish) isNoted(was *Pick) bool {
	rated := w.rating == nil || was.Rating != nil && *was.Rating == *w.rating
	return was.Mark == w.mark && rated && (w.why == "" || w.why == was.Reason)
}

// count looks how images are marked now, with what others have marked in the meantime.
func (m *marker) count(ctx context.Context) error {
	picks, err := ReadPicks(ctx, m.folder.Bucket, m.folder.Batch)
	if err != nil {
		return err
	}
	tally := CountPicks(picks, m.images)
	m.done.Images = tally.Images
	m.done.Marks = []Pick{}
	for i := range m.images {
		if line, marked := picks.Last(m.images[i].Picture()); marked && m.images[i].Made && line.Mark != job.Unmarked {
			m.done.Marks = append(m.done.Marks, line)
		}
	}
	fold, err := m.folder.Fold(ctx)
	if err != nil {
		return err
	}
	_, billed, refunded := fold.Total()
	m.done.Picks = job.Picks{Unmarked: tally.Images}
	if counted := tally.Picks(billed - refunded); counted != nil {
		m.done.Picks = *counted
	}
	return nil
}
