package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/job"
)

// pickFile is what the contact sheet saves: the marks that were set in one browser. Images
// that nobody touched there are not in it, so that what others have marked meanwhile stays.
type pickFile struct {
	Batch  string   `json:"batch"`            // its name
	Mode   job.Mode `json:"mode,omitempty"`   // none in files of earlier sheets
	Bucket string   `json:"bucket,omitempty"` // the identity of the bucket, likewise

	Picked   []filedMark `json:"picked"`
	Rejected []filedMark `json:"rejected"`
	Cleared  []filedMark `json:"cleared,omitempty"` // the mark was taken back
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

// readPickFile reads a file that a contact sheet has saved, "-" from the standard input.
func readPickFile(p app.Process, file string) (*pickFile, error) {
	data, err := readWhole(p, file)
	if err != nil {
		return nil, err
	}
	f := new(pickFile)
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), f); err != nil {
		return nil, notPicks(file, err)
	}
	if f.Batch == "" {
		return nil, notPicks(file, errors.New("it names no batch"))
	}
	if err := f.check(); err != nil {
		return nil, notPicks(file, err)
	}
	return f, nil
}

func readWhole(p app.Process, file string) ([]byte, error) {
	if file == standardInput {
		if p.Stdin == nil {
			return nil, &job.InputError{Err: errors.New("there is no standard input to read marks from")}
		}
		return readBounded(p.Stdin, file)
	}
	opened, err := os.Open(file)
	if err != nil {
		return nil, &job.InputError{Err: fmt.Errorf("read the marks: %w", err)}
	}
	defer opened.Close() // only read from
	return readBounded(opened, file)
}

func readBounded(from io.Reader, file string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxPickFile+1))
	if err == nil && len(data) > maxPickFile {
		err = fmt.Errorf("it has more than %d MiB", maxPickFile>>20)
	}
	if err != nil {
		return nil, &job.InputError{Err: fmt.Errorf("read the marks of %s: %w", file, err)}
	}
	return data, nil
}

func notPicks(file string, err error) error {
	return &job.InputError{Err: &job.HintedError{
		Err: fmt.Errorf("%s holds no marks of a contact sheet: %w", file, err), Hint: "mark images in index.html of the batch with P and X, and save them there with Save picks",
	}}
}

// check gives each entry its mark, and refuses what names no image or says two things of one.
func (f *pickFile) check() error {
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
			case entry.Rating != nil && (*entry.Rating < 0 || *entry.Rating > batch.MaxRating):
				return fmt.Errorf("%s has a rating of %d; it is from 0 to %d", place, *entry.Rating, batch.MaxRating)
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

// entries are all marks of the file.
func (f *pickFile) entries() []filedMark {
	all := make([]filedMark, 0, len(f.Picked)+len(f.Rejected)+len(f.Cleared))
	return append(append(append(all, f.Picked...), f.Rejected...), f.Cleared...)
}

// belongs refuses a file of another batch, or of a batch of this name in another bucket:
// equal manifests make jobs of equal ids there, and other images.
func (f *pickFile) belongs(file, id, bucket string) error {
	theirs := f.Batch
	if f.Mode == job.Test && !strings.Contains(theirs, "/") {
		theirs = batch.TestFolder + "/" + theirs
	}
	ours := id
	if f.Mode == "" && !strings.Contains(theirs, "/") {
		ours = path.Base(id)
	}
	switch {
	case theirs != ours:
		return &job.InputError{Err: &job.HintedError{
			Err: fmt.Errorf("%s holds marks of batch %s, not of %s", file, theirs, id), Hint: "name the batch that it is of; enqueue ls shows all",
		}}
	case f.Bucket != "" && bucket != "" && f.Bucket != bucket:
		return &job.InputError{Err: &job.HintedError{
			Err:  fmt.Errorf("%s holds marks of a batch %s in another bucket (%s), whose images are others", file, id, f.Bucket),
			Hint: "name the bucket that the sheet lies in, in NIGHTSHIFT_BUCKET, or the folder of its batches in NIGHTSHIFT_OUT",
		}}
	}
	return nil
}
