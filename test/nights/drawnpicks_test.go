package nights

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// Picks: a step waits until a person picks what it is made of. In the night she picks some
// images and rejects some, now and then with somebody else, and more in the morning. What is
// picked is made once and what is not is not paid; a batch of which the rest waits is over.
var _ = register(capability{name: "picks", counts: []string{imagesMarked, madeOfPicked, leftUnpicked, pickedByTwo, wentOnWithPicks}, draw: drawPicks})

const (
	imagesMarked    = "images are picked and rejected"
	madeOfPicked    = "picks: made of a picked image"
	leftUnpicked    = "picks: left waiting for a pick"
	pickedByTwo     = "picks: two people at once"
	wentOnWithPicks = "picks: resumed"
)

// pickSteps are chains of which a part waits for a pick.
var pickSteps = [][]string{
	{"  cut: {model: model_bria-remove-background, images: {image: \"{previous}\"}, when: picked}"},
	{"  cut: {model: model_bria-remove-background, images: {image: \"{previous}\"}}",
		"  large: {model: model_recraft-crisp-upscale, images: {image: \"{cut}\"}, when: picked}"},
	{"  cut: {model: model_bria-remove-background, images: {image: \"{previous}\"}, when: picked}",
		"  large: {model: model_recraft-crisp-upscale, images: {image: \"{cut}\"}}"},
}

func drawPicks(r *rand.Rand, s *script) *part {
	if r.IntN(4) > 0 {
		return nil
	}
	i := slices.IndexFunc(s.batches, func(b drawnBatch) bool {
		return b.budget == 0 && b.shape.name != equalJobs
	})
	if i < 0 {
		return nil
	}
	b := &s.batches[i]
	b.rows = min(b.rows, mostStepped/b.samples+1)
	chain := pickSteps[r.IntN(len(pickSteps))]
	b.more = append(append(b.more, stepsLine), chain...)
	pick := trouble{name: imagesMarked, mild: true, strike: func(n *drawnNight) { n.pickSome(n.batches[i]) }}
	times := 1 + r.IntN(4)
	for range times {
		s.events = append(s.events, event{at: s.length/6 + within(r, s.length*5/6), trouble: pick})
	}
	return &part{
		tells: fmt.Sprintf("%s has %d steps, and images of it are picked %d times and in the morning", b.name, len(chain), times),
		calm: func(n *drawnNight) {
			n.mornings = append(n.mornings, func(n *drawnNight) {
				n.pickSome(n.batches[i])
				n.goOn(n.batches[i])
			})
		},
		judge: func(n *drawnNight, ledger []simulator.Entry) { n.judgePicks(n.batches[i], ledger) },
	}
}

// pickSome marks some of the images that a batch has made. Now and then another person marks
// others at the same time.
func (n *drawnNight) pickSome(b *nightBatch) {
	n.t.Helper()
	if !b.submitted {
		return
	}
	folder := batch.NewFolder(n.bucket, b.manifest.Batch())
	images, err := folder.PlannedImages(n.t.Context())
	if err != nil {
		n.t.Error(err)
		return
	}
	picked, rejected := n.drawMarks(images)
	if len(picked)+len(rejected) == 0 {
		return
	}
	var people sync.WaitGroup
	mark := func(wishes []wish, as job.Mark) {
		if len(wishes) > 0 {
			people.Go(func() { n.mark(b, wishes, as) })
		}
	}
	mark(picked, job.Picked)
	if len(picked) > 0 && len(rejected) > 0 && n.random.IntN(3) == 0 {
		strikes.add(pickedByTwo)
	} else {
		people.Wait()
	}
	mark(rejected, job.Rejected)
	people.Wait()
	if n.random.IntN(2) == 0 {
		n.goOn(b)
	}
}

// wish is an image that is to be marked, and how the command pick calls it.
type wish struct {
	image job.Picture
	name  string
}

// drawMarks draws which images are picked and which rejected, of all that are there: who marks
// one again has another opinion now.
func (n *drawnNight) drawMarks(images []batch.PlannedImage) (picked, rejected []wish) {
	for i := range images {
		image := &images[i]
		if !image.Made {
			continue
		}
		w := wish{image.Picture(), fmt.Sprint(image.Row, ":", image.OfRow)}
		switch n.random.IntN(5) {
		case 0, 1:
			picked = append(picked, w)
		case 2:
			rejected = append(rejected, w)
		}
	}
	return picked, rejected
}

// mark enters the command pick, and notes what it has confirmed.
func (n *drawnNight) mark(b *nightBatch, wishes []wish, as job.Mark) {
	n.t.Helper()
	args := []string{"pick", b.manifest.Batch()}
	for _, w := range wishes {
		args = append(args, w.name)
	}
	if as == job.Rejected {
		args = append(args, "--reject")
	}
	a := n.command(args...)
	if a.code != exitDone {
		if n.calmed {
			n.fail("the programs work", wishes[0].image.Job, "pick ends with %d: %s%s", a.code, a.out, a.log)
		}
		return
	}
	n.faulty.Lock()
	defer n.faulty.Unlock()
	if b.marks == nil {
		b.marks = make(map[job.Picture]job.Mark)
	}
	for _, w := range wishes {
		b.marks[w.image] = as
	}
}

// goOn lets a batch go on with what was picked: one that is over is resumed.
func (n *drawnNight) goOn(b *nightBatch) {
	n.t.Helper()
	switch {
	case b.cancelled:
	case b.drawn.byRun || !b.submitted || n.isOpen(b):
		n.submit(b)
	default:
		a := n.command("resume", b.manifest.Batch())
		switch {
		case a.code == exitDone:
			n.noteSubmitted(b)
			strikes.add(wentOnWithPicks)
		case a.code == exitSomeFailed && strings.Contains(a.log, capTooSmall):
			b.short = true
		case n.calmed:
			n.fail("the programs work", "", "resume of %s ends with %d: %s%s", b.drawn.name, a.code, a.out, a.log)
		}
	}
}

// judgePicks: what waits for a pick is paid only where it was picked, what is picked in the
// end has an end, and each mark that was confirmed stands.
func (n *drawnNight) judgePicks(b *nightBatch, ledger []simulator.Entry) {
	n.t.Helper()
	picks, err := batch.ReadPicks(n.t.Context(), n.bucket, b.manifest.Batch())
	if err != nil {
		n.t.Fatal(err)
	}
	for image, mark := range b.marks {
		if stands := picks.Of(image); stands != mark {
			n.fail("marks stand", image.Job, "image %s is marked %q, and pick has confirmed %q", image, stands, mark)
		}
	}
	waiting := make(map[string]job.Job)
	for _, j := range b.asked {
		if j.Picked {
			waiting[content(j.Model, j.Inputs)] = j
		}
	}
	lines := n.pickLines(b)
	for _, e := range ledger {
		j, is := waiting[content(e.Model, e.Input)]
		if !is {
			continue
		}
		strikes.add(madeOfPicked)
		if !b.wasPicked(j, lines, e.Accepted) {
			n.fail("nothing is paid that was not picked", j.ID, "%s was sent as %s, and no image that it is made of was picked", j.Row, e.JobID)
		}
	}
	n.judgePicked(b, picks)
}

// judgePicked: what is picked when all is over was made, or has failed with a reason.
func (n *drawnNight) judgePicked(b *nightBatch, picks *batch.Picks) {
	n.t.Helper()
	ended := make(map[job.ID]bool)
	for _, r := range append(b.succeeded(), b.failed()...) {
		ended[r.Job] = true
	}
	for id, j := range b.asked {
		switch {
		case ended[id] || !b.ofPick(j) || b.cancelled || b.short:
		case b.isPicked(j, picks, ended):
			n.fail("what is picked is made", id, "%s has no end, and all that it is made of is picked", j.Row)
		default:
			strikes.add(leftUnpicked)
		}
	}
}

// pickLines are the lines of the record of picks.
func (n *drawnNight) pickLines(b *nightBatch) []batch.Pick {
	n.t.Helper()
	data, err := os.ReadFile(filepath.Join(n.folder, b.manifest.Batch(), "_nightshift", "picks.jsonl"))
	if err != nil && !os.IsNotExist(err) {
		n.t.Fatal(err)
	}
	var lines []batch.Pick
	for text := range strings.Lines(string(data)) {
		var line batch.Pick
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			n.t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

// madeFrom are the images of the batch that a job is made of, the one that it takes first and
// then those before it.
func (b *nightBatch) madeFrom(j job.Job) []job.Picture {
	var images []job.Picture
	for {
		at := slices.IndexFunc(j.Pictures(), isMade)
		if at < 0 {
			return images
		}
		taken := j.Pictures()[at]
		images = append(images, taken)
		j = b.asked[taken.Job]
	}
}

// ofPick reports whether a job, or one that it is made of, waits for a pick.
func (b *nightBatch) ofPick(j job.Job) bool {
	return j.Picked || slices.ContainsFunc(b.madeFrom(j), func(p job.Picture) bool { return b.asked[p.Job].Picked })
}

// wasPicked reports whether an image that a job is made of was picked before a time.
func (b *nightBatch) wasPicked(j job.Job, lines []batch.Pick, before time.Time) bool {
	images := b.madeFrom(j)
	return slices.ContainsFunc(lines, func(line batch.Pick) bool {
		return line.Mark == job.Picked && !line.At.After(before) && slices.Contains(images, job.Picture{Job: line.Job, Image: line.N - 1})
	})
}

// isPicked reports whether nothing that a job is made of waits for a pick any more: the mark of
// the image that is taken counts or, where it has none, that of the one before.
func (b *nightBatch) isPicked(j job.Job, picks *batch.Picks, ended map[job.ID]bool) bool {
	images := b.madeFrom(j)
	for i, waits := 0, j; i < len(images); i, waits = i+1, b.asked[images[i].Job] {
		at := slices.IndexFunc(images[i:], func(p job.Picture) bool { return picks.Of(p) != job.Unmarked })
		if waits.Picked && !ended[waits.ID] && (at < 0 || picks.Of(images[i+at]) != job.Picked) {
			return false
		}
	}
	return true
}
