package batch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"nightshift/internal/job"
	"nightshift/internal/text"
)

// PickFile is what the contact sheet saves: the marks that were set in one browser. Images
// that nobody touched there are not in it, so that what others have marked meanwhile stays.
type PickFile struct {
	Batch  string   `json:"batch"`            // its name
	Mode   job.Mode `json:"mode,omitempty"`   // none in files of earlier sheets
	Bucket string   `json:"bucket,omitempty"` // the identity of the bucket, likewise

	Picked   []filedMark `json:"picked"`
	Rejected []filedMark `json:"rejected"`
	Cleared  []filedMark `json:"cleared,omitempty"` // the mark was taken back

	name string // of the file
}

// filedMark is an image with a mark.
type filedMark struct {
	Row   string `json:"row"`
	Job   job.ID `json:"job"`
	Image string `json:"image"`
	// N is its place among the images of its job, from 1; in files of earlier sheets the
	// image's name says which it is.
	N int `json:"n,omitempty"`
	// Rating is how good it is, from 0 to 5; none says nothing.
	Rating *int `json:"rating,omitempty"`

	mark job.Mark
}

// maxPickFile is more than the marks of any batch that people look through.
const maxPickFile = 64 << 20

// ReadPickFile reads a file that a contact sheet has saved; name is what messages call it. It
// returns a [job.InputError] for what is none.
func ReadPickFile(name string, from io.Reader) (*PickFile, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxPickFile+1))
	if err == nil && len(data) > maxPickFile {
		err = fmt.Errorf("it has more than %d MiB", maxPickFile>>20)
	}
	if err != nil {
		return nil, &job.InputError{Err: fmt.Errorf("read the marks of %s: %w", name, err)}
	}
	f := &PickFile{name: name}
	err = json.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), f)
	if err == nil && f.Batch == "" {
		err = errors.New("it names no batch")
	}
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return nil, &job.InputError{Err: &job.HintedError{
			Err: fmt.Errorf("%s holds no marks of a contact sheet: %w", name, err), Hint: "mark images in index.html of the batch with P and X, and save them there with Save picks",
		}}
	}
	return f, nil
}

// check gives each entry its mark, and refuses what names no image or says two things of one.
func (f *PickFile) check() error {
	said := make(map[string]job.Mark)
	for _, list := range []struct {
		name    string
		entries []filedMark
		mark    job.Mark
	}{{"picked", f.Picked, job.Picked}, {"rejected", f.Rejected, job.Rejected}, {"cleared", f.Cleared, job.Unmarked}} {
		for i := range list.entries {
			entry := &list.entries[i]
			entry.mark = list.mark
			place := fmt.Sprintf("entry %d of %q", i+1, list.name)
			switch {
			case !entry.Job.Valid():
				return fmt.Errorf("%s names no job", place)
			case entry.N < 0 || entry.N == 0 && entry.Image == "":
				return fmt.Errorf("%s names no image", place)
			case !goodRating(entry.Rating):
				return fmt.Errorf("%s has a rating of %d; it is from 0 to %d", place, *entry.Rating, MaxRating)
			}
			image := fmt.Sprintf("%s %d %s", entry.Job, entry.N, entry.Image)
			if other, twice := said[image]; twice && other != entry.mark {
				return fmt.Errorf("%s, image %q, has two marks: %s and %s", place, entry.Image, other, entry.mark)
			}
			said[image] = entry.mark
		}
	}
	return nil
}

// belongs refuses a file of another batch, or of a batch of this name in another bucket:
// equal manifests make jobs of equal ids there, and other images.
func (f *PickFile) belongs(batch, bucket string) error {
	theirs := f.Batch
	if f.Mode == job.Test && !strings.Contains(theirs, "/") {
		theirs = TestFolder + "/" + theirs
	}
	ours := batch
	if f.Mode == "" && !strings.Contains(theirs, "/") {
		ours = path.Base(batch)
	}
	switch {
	case theirs != ours:
		return &job.InputError{Err: &job.HintedError{
			Err: fmt.Errorf("%s holds marks of batch %s, not of %s", f.name, theirs, batch), Hint: "name the batch that it is of; enqueue ls shows all",
		}}
	case f.Bucket != "" && bucket != "" && f.Bucket != bucket:
		return &job.InputError{Err: &job.HintedError{
			Err:  fmt.Errorf("%s holds marks of a batch %s in another bucket (%s), whose images are others", f.name, batch, f.Bucket),
			Hint: "name the bucket that the sheet lies in, in NIGHTSHIFT_BUCKET, or the folder of its batches in NIGHTSHIFT_OUT",
		}}
	}
	return nil
}

// filed are the wishes of a file. Marks of images that are not there any more are left out,
// and told: the others of a long evening are not lost for them.
func (m *marker) filed(ctx context.Context) ([]wish, error) {
	wishes, err := m.filedWishes()
	if err != nil {
		return nil, err
	}
	chosen := make([]PlannedImage, len(wishes))
	for i := range wishes {
		chosen[i] = wishes[i].image
	}
	fresh, err := m.folder.Fresh(ctx, chosen)
	if err != nil {
		return nil, err
	}
	taken := wishes[:0]
	for i, w := range wishes {
		if fresh[i] != Fresh {
			m.done.NotTaken = append(m.done.NotTaken, LeftOut{w.image.Row, w.image.Image.Key, "it " + fresh[i].String()})
			continue
		}
		taken = append(taken, w)
	}
	if len(taken) == 0 && len(m.done.NotTaken) > 0 {
		first := m.done.NotTaken[0]
		return nil, &job.InputError{Err: &job.HintedError{
			Err:  fmt.Errorf("none of the %s fits an image of batch %s; the first, %s of row %s: %s", text.Count(len(m.done.NotTaken), "mark"), m.folder.Batch, first.Image, first.Row, first.Reason),
			Hint: "open the contact sheet as it is now, and mark its images",
		}}
	}
	return taken, nil
}

// filedWishes finds the image of each entry, once, and tells of those that have none. It
// refuses two marks of one image, however the entries name it.
func (m *marker) filedWishes() (wishes []wish, err error) {
	said := make(map[job.Picture]job.Mark)
	places := make(map[job.ID][]int)
	rows := make(map[string]bool)
	for i := range m.images {
		places[m.images[i].Job] = append(places[m.images[i].Job], i)
		rows[m.images[i].Row] = true
	}
	f := m.request.File
	for _, entry := range slices.Concat(f.Picked, f.Rejected, f.Cleared) {
		image, reason := m.filedImage(&entry, places[entry.Job], rows)
		if reason != "" {
			m.done.NotTaken = append(m.done.NotTaken, LeftOut{entry.Row, entry.Image, reason})
			continue
		}
		switch other, twice := said[image.Picture()]; {
		case twice && other != entry.mark:
			return nil, &job.InputError{Err: &job.HintedError{
				Err: fmt.Errorf("%s: image %s of row %s has two marks: %s and %s", f.name, image.Image.Key, image.Row, other, entry.mark), Hint: "take one of them out of the file",
			}}
		case twice:
			continue
		}
		said[image.Picture()] = entry.mark
		wishes = append(wishes, wish{image: image, mark: entry.mark, rating: entry.Rating, by: BySheet})
	}
	return wishes, nil
}

// filedImage is the image that an entry of a file is about, or why there is none.
func (m *marker) filedImage(entry *filedMark, places []int, rows map[string]bool) (image PlannedImage, reason string) {
	for _, at := range places {
		image := m.images[at]
		if image.N != entry.N && (entry.N != 0 || image.Image.Key != entry.Image) {
			continue
		}
		switch {
		case !image.Made:
			return image, "it is not made"
		case entry.Row != "" && entry.Row != image.Row || entry.Image != "" && entry.Image != image.Image.Key:
			return image, fmt.Sprintf("its job and number are those of image %s of row %s", image.Image.Key, image.Row)
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
