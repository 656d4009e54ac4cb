package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/progress"
	"nightshift/internal/suggest"
	"nightshift/internal/text"
	"nightshift/internal/view"
)

type pickOptions struct {
	file   string // of marks, as a contact sheet saves them
	reject bool   // the images are rejected
	clear  bool   // their marks are taken back
	dryRun bool
	json   bool
	why    string
}

// check refuses what does not go together.
func (o *pickOptions) check(ids []string) error {
	switch {
	case o.reject && o.clear:
		return errors.New("--reject marks images and --clear takes marks back: choose one")
	case o.file != "" && (o.reject || o.clear || o.why != ""):
		return errors.New("--file says itself which images are picked and which rejected; leave out --reject, --clear and --why")
	case o.file != "" && len(ids) > 0:
		return errors.New("name images or a file of marks, not both")
	case len(ids) == 0 && o.file == "" && (o.reject || o.clear || o.why != "" || o.dryRun):
		return errors.New("name the images: rows as enqueue results shows them, ROW:2 for the second image of a row")
	default:
		return nil
	}
}

// mark is the mark that named images get.
func (o *pickOptions) mark() job.Mark {
	switch {
	case o.reject:
		return job.Rejected
	case o.clear:
		return job.Unmarked
	default:
		return job.Picked
	}
}

// picking is what came of marking images, or how they are marked. The names of its JSON stay.
type picking struct {
	Batch  string `json:"batch"`
	DryRun bool   `json:"dryRun,omitempty"` // nothing was noted
	// Noted are marks that are new; those that were there already are Unchanged.
	Noted     int `json:"noted"`
	Unchanged int `json:"unchanged,omitempty"`
	// Changed are images that had another mark.
	Changed []changedMark `json:"changed,omitempty"`
	// NotTaken are marks of images that are not there any more.
	NotTaken []refusedMark `json:"notTaken,omitempty"`
	// Images are those of the batch that were made, and Picks how they are marked now.
	Images int `json:"images"`
	job.Picks
	// Marks are all marks that stand.
	Marks []batch.Pick `json:"marks"`

	arg     string // what the batch is called on a command line
	mark    job.Mark
	waiting int // jobs that waited for a pick when the batch was last submitted
}

// changedMark is an image whose mark is another now.
type changedMark struct {
	Row   string    `json:"row"`
	Image string    `json:"image"`
	Was   job.Mark  `json:"was"`
	Mark  job.Mark  `json:"mark"`
	By    string    `json:"by,omitempty"` // the way by which the earlier mark came
	At    time.Time `json:"at"`           // when it came
}

// refusedMark is a mark that is not taken.
type refusedMark struct {
	Row    string `json:"row"`
	Image  string `json:"image"`
	Reason string `json:"reason"`
}

// pickImages is the command pick: it notes what a person thinks of images, or shows it.
func pickImages(ctx context.Context, p app.Process, s config.Settings, args []string, o pickOptions) error {
	ids := args[1:]
	if err := o.check(ids); err != nil {
		return &job.InputError{Err: err}
	}
	var filed *pickFile
	if o.file != "" {
		var err error
		if filed, err = readPickFile(p, o.file); err != nil {
			return err
		}
	}
	return view.With(ctx, p, s, func(v *view.View) error {
		id, err := v.Find(ctx, args[0])
		if err != nil {
			return err
		}
		done, err := pickIn(ctx, v, id, ids, filed, o)
		if err != nil {
			return err
		}
		if o.json {
			err = text.WriteJSON(p.Stdout, done)
		} else {
			_, err = fmt.Fprint(p.Stdout, done.words())
		}
		if err == nil && len(done.NotTaken) > 0 {
			err = app.ErrSomeFailed
		}
		return err
	})
}

// pickIn notes marks of images of a batch; without any it only looks.
func pickIn(ctx context.Context, v *view.View, id string, ids []string, filed *pickFile, o pickOptions) (*picking, error) {
	m := marker{folder: batch.NewFolder(v.Bucket, id), done: &picking{Batch: id, DryRun: o.dryRun, arg: view.Arg(ctx, v.Bucket, id), mark: o.mark()}}
	var err error
	if m.images, err = m.folder.PlannedImages(ctx); err != nil {
		return nil, err
	}
	if m.picks, err = batch.ReadPicks(ctx, v.Bucket, id); err != nil {
		return nil, err
	}
	last, err := batch.ReadSubmission(ctx, v.Bucket, id)
	if err != nil {
		return nil, err
	}
	if last != nil {
		m.done.waiting = last.Waiting
	}
	var wishes []wish
	switch {
	case filed != nil:
		identity, err := bucket.ReadIdentity(ctx, v.Bucket)
		if err != nil {
			return nil, err
		}
		if err := filed.belongs(o.file, id, identity); err != nil {
			return nil, err
		}
		if wishes, err = m.filed(ctx, filed); err != nil {
			return nil, err
		}
	default:
		if wishes, err = m.named(ctx, ids, o); err != nil {
			return nil, err
		}
	}
	if err := m.note(ctx, wishes, o.dryRun); err != nil {
		return nil, err
	}
	if m.done.Noted > 0 && !o.dryRun {
		if err := v.ShowPicks(ctx, id); err != nil {
			return nil, fmt.Errorf("the marks are noted, but report and contact sheet were not drawn again: %w", err)
		}
	}
	return m.done, m.count(ctx)
}

// marker marks images of one batch.
type marker struct {
	folder batch.Folder
	images []batch.PlannedImage
	picks  *batch.Picks
	done   *picking
}

// wish is a mark that an image is to have.
type wish struct {
	image  batch.PlannedImage
	mark   job.Mark
	rating *int
	by     string
	why    string
}

// named are the wishes for images that were named on the command line. What is not there is
// an input error, and nothing is marked then.
func (m *marker) named(ctx context.Context, ids []string, o pickOptions) ([]wish, error) {
	var wrong []error
	var chosen []batch.PlannedImage
	for _, id := range ids {
		images, err := m.find(id)
		if err != nil {
			wrong = append(wrong, err)
		}
		for _, image := range images {
			same := func(other batch.PlannedImage) bool { return other.Job == image.Job && other.N == image.N }
			if !slices.ContainsFunc(chosen, same) { // else it is named twice
				chosen = append(chosen, image)
			}
		}
	}
	if len(wrong) > 0 {
		return nil, &job.InputError{Err: &job.HintedError{
			Err: firstOf(wrong), Hint: "enqueue results " + m.done.arg + " shows the rows that have images; ROW:2 is the second image of a row",
		}}
	}
	fresh, err := m.folder.Fresh(ctx, chosen)
	if err != nil {
		return nil, err
	}
	var wishes []wish
	for i, image := range chosen {
		if fresh[i] != batch.Fresh {
			wrong = append(wrong, fmt.Errorf("%s of row %s %s", image.Image.Key, image.Row, notThere(fresh[i])))
		}
		wishes = append(wishes, wish{image: image, mark: o.mark(), by: batch.ByCommand, why: o.why})
	}
	if len(wrong) > 0 {
		return nil, &job.InputError{Err: &job.HintedError{Err: firstOf(wrong), Hint: "run the batch again, which makes what is missing, and look at it before you mark it"}}
	}
	return wishes, nil
}

// firstOf is the first of several errors, with a number for the others.
func firstOf(wrong []error) error {
	if len(wrong) == 1 {
		return wrong[0]
	}
	return fmt.Errorf("%w (and %d more like it)", wrong[0], len(wrong)-1)
}

func notThere(f batch.Freshness) string {
	if f == batch.Gone {
		return "is gone"
	}
	return "was replaced: it is not the image that this job has made"
}

// find are the images that an argument names: those of a row, or one of them.
func (m *marker) find(id string) ([]batch.PlannedImage, error) {
	if of := m.ofRow(id); len(of) > 0 {
		made := slices.DeleteFunc(of, func(i batch.PlannedImage) bool { return !i.Made })
		if len(made) == 0 {
			return nil, fmt.Errorf("row %s has no image yet", id)
		}
		return made, nil
	}
	if at := strings.LastIndexByte(id, ':'); at > 0 {
		of := m.ofRow(id[:at])
		if number, err := strconv.Atoi(id[at+1:]); err == nil && len(of) > 0 {
			return oneOf(of, id[:at], number)
		}
	}
	rows := make([]string, 0, len(m.images))
	for i := range m.images {
		rows = append(rows, m.images[i].Row)
	}
	err := fmt.Errorf("batch %s has no row %q", m.done.Batch, id)
	if meant := suggest.DidYouMean(id, slices.Compact(rows), "%"); meant != "" {
		err = fmt.Errorf("%w; %s", err, strings.TrimSuffix(meant, "."))
	}
	return nil, err
}

// ofRow are the images that the plan wants of a row.
func (m *marker) ofRow(row string) (of []batch.PlannedImage) {
	for i := range m.images {
		if m.images[i].Row == row {
			of = append(of, m.images[i])
		}
	}
	return of
}

func oneOf(of []batch.PlannedImage, row string, number int) ([]batch.PlannedImage, error) {
	if number < 1 || number > len(of) {
		return nil, fmt.Errorf("row %s has %s, and no image %d", row, text.Count(len(of), "image"), number)
	}
	if !of[number-1].Made {
		return nil, fmt.Errorf("image %d of row %s is not made yet", number, row)
	}
	return of[number-1 : number], nil
}

// filed are the wishes of a file. Marks of images that are not there any more are left out,
// and told: the others of a long evening are not lost for them.
func (m *marker) filed(ctx context.Context, f *pickFile) ([]wish, error) {
	places := make(map[job.ID][]int)
	rows := make(map[string]bool)
	for i := range m.images {
		places[m.images[i].Job] = append(places[m.images[i].Job], i)
		rows[m.images[i].Row] = true
	}
	var wishes []wish
	var chosen []batch.PlannedImage
	for _, entry := range f.entries() {
		image, reason := m.filedImage(&entry, places[entry.Job], rows)
		if reason != "" {
			m.done.NotTaken = append(m.done.NotTaken, refusedMark{entry.Row, entry.Image, reason})
			continue
		}
		chosen = append(chosen, image)
		wishes = append(wishes, wish{image: image, mark: entry.mark, rating: entry.Rating, by: batch.BySheet})
	}
	fresh, err := m.folder.Fresh(ctx, chosen)
	if err != nil {
		return nil, err
	}
	taken := wishes[:0]
	for i, w := range wishes {
		if fresh[i] != batch.Fresh {
			m.done.NotTaken = append(m.done.NotTaken, refusedMark{w.image.Row, w.image.Image.Key, "it " + notThere(fresh[i])})
			continue
		}
		taken = append(taken, w)
	}
	if len(taken) == 0 && len(m.done.NotTaken) > 0 {
		first := m.done.NotTaken[0]
		return nil, &job.InputError{Err: &job.HintedError{
			Err:  fmt.Errorf("none of the %s fits an image of batch %s; the first, %s of row %s: %s", text.Count(len(m.done.NotTaken), "mark"), m.done.Batch, first.Image, first.Row, first.Reason),
			Hint: "open the contact sheet as it is now, and mark its images",
		}}
	}
	return taken, nil
}

// filedImage is the image that an entry of a file is about, or why there is none.
func (m *marker) filedImage(entry *filedMark, places []int, rows map[string]bool) (image batch.PlannedImage, reason string) {
	for _, at := range places {
		image := m.images[at]
		if image.N != entry.N && (entry.N != 0 || image.Image.Key != entry.Image) {
			continue
		}
		if !image.Made {
			return image, "it is not made"
		}
		return image, ""
	}
	switch {
	case len(places) > 0:
		return image, "its job makes no such image"
	case rows[entry.Row]:
		return image, "it was replaced: the row was changed or rolled again since it was marked"
	default:
		return image, "the batch has no such row any more"
	}
}

// note appends what is new.
func (m *marker) note(ctx context.Context, wishes []wish, dryRun bool) error {
	now := time.Now().UTC().Truncate(time.Millisecond)
	var lines []batch.Pick
	for _, w := range wishes {
		was, marked := m.picks.Last(w.image.Picture())
		if !marked {
			was.Mark = job.Unmarked
		}
		if was.Mark == w.mark && (w.rating == nil || was.Rating != nil && *was.Rating == *w.rating) && (w.why == "" || w.why == was.Reason) {
			m.done.Unchanged++
			continue
		}
		if was.Mark != job.Unmarked && was.Mark != w.mark {
			m.done.Changed = append(m.done.Changed, changedMark{w.image.Row, w.image.Image.Key, was.Mark, w.mark, was.By, was.At})
		}
		lines = append(lines, batch.Pick{
			At: now, Row: w.image.Row, Job: w.image.Job, Image: w.image.Image.Key, N: w.image.N,
			Mark: w.mark, Rating: cmp.Or(w.rating, was.Rating), By: w.by, Reason: w.why,
		})
	}
	m.done.Noted = len(lines)
	if dryRun {
		return nil
	}
	return batch.AppendPicks(ctx, m.folder.Bucket, m.folder.Batch, lines)
}

// count looks how images are marked now, with what others have marked in the meantime.
func (m *marker) count(ctx context.Context) error {
	picks, err := batch.ReadPicks(ctx, m.folder.Bucket, m.folder.Batch)
	if err != nil {
		return err
	}
	tally := batch.CountPicks(picks, m.images)
	m.done.Images = tally.Images
	m.done.Marks = []batch.Pick{}
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

func (p *picking) words() string {
	var words strings.Builder
	verb := map[job.Mark]string{job.Picked: "picked", job.Rejected: "rejected", job.Unmarked: "unmarked"}
	if p.Noted+p.Unchanged > 0 {
		note := "noted"
		if p.DryRun {
			note = "would be noted"
		}
		fmt.Fprintf(&words, "%s: %s %s", p.Batch, text.Count(p.Noted, "mark"), note)
		if p.Unchanged > 0 {
			fmt.Fprintf(&words, ", %s already so", text.Number(p.Unchanged))
		}
		words.WriteByte('\n')
	}
	for _, c := range p.Changed {
		fmt.Fprintf(&words, "%s was %s (by %s, %s) and is %s now\n", c.Image, verb[c.Was], cmp.Or(c.By, "a person"), text.Moment(c.At), verb[c.Mark])
	}
	for _, r := range p.NotTaken {
		fmt.Fprintf(&words, "not taken: %s of row %s: %s\n", r.Image, r.Row, r.Reason)
	}
	fmt.Fprintf(&words, "%s: of %s %s\n", p.Batch, text.Count(p.Images, "image"), progress.PickWords(&p.Picks))
	if p.Noted > 0 && !p.DryRun && p.mark == job.Picked && p.waiting > 0 {
		fmt.Fprintf(&words, "what is made of the picked ones runs with the next enqueue run of the manifest, or of a fleet with enqueue resume %s\n", p.arg)
	}
	if p.Rejected > 0 {
		fmt.Fprintf(&words, "enqueue retry %s --rejected --new-seeds makes other images in place of the rejected ones\n", p.arg)
	}
	return words.String()
}
