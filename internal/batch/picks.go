package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
)

const (
	// picksName is the log of what people think of the images.
	picksName = "_nightshift/picks.jsonl"
	// picksLock is held by whoever draws the contact sheet for them.
	picksLock = "_nightshift/picks.lock"
)

// The ways by which a mark comes.
const (
	ByCommand = "command"
	BySheet   = "sheet"
)

// MaxRating is the best rating of an image; the worst is 0.
const MaxRating = 5

// Pick is a line of picks.jsonl: the mark of an image as one job has made it, or that the
// jobs of a row draw other seeds. A mark is of the job's image and not of its name: an image
// that replaces it is another job's, and unmarked.
type Pick struct {
	At  time.Time `json:"at"`
	Row string    `json:"row"`

	Job    job.ID   `json:"job,omitempty"`
	Image  string   `json:"image,omitempty"` // its key within the batch's folder, for people
	N      int      `json:"n,omitempty"`     // its place among the images of the job, from 1
	Mark   job.Mark `json:"mark,omitempty"`
	Rating *int     `json:"rating,omitempty"`
	By     string   `json:"by,omitempty"` // the way by which it came
	Reason string   `json:"reason,omitempty"`

	// Roll is how often the row was rolled again; such a line marks no image.
	Roll int `json:"roll,omitempty"`
}

var errNotAPick = errors.New("not a mark of an image, nor a roll of a row")

func (p *Pick) check() error {
	roll := p.Roll > 0 && p.Row != "" && p.Job == "" && p.Mark == ""
	if roll || p.Roll == 0 && p.Job.Valid() && p.N >= 1 && p.Mark.Known() && goodRating(p.Rating) {
		return nil
	}
	return errNotAPick
}

func goodRating(rating *int) bool { return rating == nil || *rating >= 0 && *rating <= MaxRating }

// pickLines are the lines of picks.jsonl.
var pickLines = jsonl.Kind[Pick]{
	Start: `{"at":"`, Decode: decodePick, Hint: "put back the file as it was, from a copy, or take out this line alone: the mark that it holds is lost",
}

func decodePick(text []byte) (p Pick, err error) {
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("%w: %w", errNotAPick, err)
	}
	return p, p.check()
}

// Picks are the marks of a batch's images, and how often its rows were rolled again.
type Picks struct {
	marks map[job.Picture]Pick
	rolls map[string]int
}

// ReadPicks reads the marks of a batch; one without any is no error. The last line of an
// image counts, so that lines of several people stand beside each other.
func ReadPicks(ctx context.Context, b Bucket, batch string) (*Picks, error) {
	p := &Picks{marks: make(map[job.Picture]Pick), rolls: make(map[string]int)}
	for line, err := range pickLines.ReadObject(ctx, b, objectKey(batch, picksName)) {
		if err != nil {
			return nil, err
		}
		p.add(&line.Value)
	}
	return p, nil
}

// add takes a line in. Rolls only grow: of two people who roll a row at once neither takes
// back what the other did.
func (p *Picks) add(line *Pick) {
	if line.Roll > 0 {
		p.rolls[line.Row] = max(p.rolls[line.Row], line.Roll)
		return
	}
	p.marks[job.Picture{Job: line.Job, Image: line.N - 1}] = *line
}

// Of is the mark of an image itself, whatever it was made of.
func (p *Picks) Of(image job.Picture) job.Mark {
	if line, marked := p.marks[image]; marked {
		return line.Mark
	}
	return job.Unmarked
}

// Any reports whether any image was ever marked.
func (p *Picks) Any() bool { return len(p.marks) > 0 }

// Last is the line that counts for an image.
func (p *Picks) Last(image job.Picture) (line Pick, marked bool) {
	line, marked = p.marks[image]
	return line, marked
}

// Picked are those of the images that are picked, by a mark of their own or by that of what
// they were made of; [job.InheritedMark] has the rule.
func (p *Picks) Picked(images []PlannedImage) (picked []PlannedImage) {
	from := make(map[job.Picture][]job.Picture, len(images))
	for i := range images {
		from[images[i].Picture()] = images[i].From
	}
	madeFrom := func(image job.Picture) []job.Picture { return from[image] }
	for i := range images {
		if job.InheritedMark(images[i].Picture(), p.Of, madeFrom) == job.Picked {
			picked = append(picked, images[i])
		}
	}
	return picked
}

// PickedOutputs are the outputs of the picked images that are there, with their jobs.
func (f *Folder) PickedOutputs(ctx context.Context, picks *Picks) (map[string]job.ID, error) {
	if !picks.Any() {
		return nil, nil
	}
	images, err := f.StandingImages(ctx)
	if err != nil {
		return nil, err
	}
	images = slices.DeleteFunc(images, func(i PlannedImage) bool { return !i.Made || picks.Of(i.Picture()) != job.Picked })
	fresh, err := f.Fresh(ctx, images)
	if err != nil {
		return nil, err
	}
	picked := make(map[string]job.ID)
	for i := range images {
		if fresh[i] == Fresh {
			picked[images[i].Output] = images[i].Job
		}
	}
	return picked, nil
}

// Roll is how often a row was rolled again: 0 for one that draws its first seeds.
func (p *Picks) Roll(row string) int { return p.rolls[row] }

// AppendPicks adds lines to the log in one write, and returns when they are durable.
// After an error they may or may not be there, and adding them again is harmless. Any
// number of people may do so at a time.
func AppendPicks(ctx context.Context, b Bucket, batch string, lines []Pick) error {
	if len(lines) == 0 {
		return nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	for i := range lines {
		err := lines[i].check()
		if err == nil {
			err = encoder.Encode(&lines[i])
		}
		if err != nil {
			return fmt.Errorf("note a mark of row %q: %w", lines[i].Row, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, jsonl.CommitTimeout)
	defer cancel()
	if err := b.Append(ctx, objectKey(batch, picksName), text.Bytes()); err != nil {
		return fmt.Errorf("note %d marks: %w", len(lines), err)
	}
	return nil
}

// LockDrawing lets one process at a time draw the contact sheet for marks that are new, so
// that the last one shows all of them. Marks are noted without it.
func LockDrawing(ctx context.Context, b Bucket, batch string) (unlock func() error, err error) {
	return waitForLock(ctx, b, objectKey(batch, picksLock))
}
