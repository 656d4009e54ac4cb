package batch

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/job"
	"nightshift/internal/suggest"
	"nightshift/internal/text"
)

// named are the wishes for images that a person has named. Where one is not there, nothing
// is marked: of a few names each is meant.
func (m *marker) named(ctx context.Context) ([]wish, error) {
	chosen, err := m.chosen()
	if err != nil {
		return nil, err
	}
	fresh, err := m.folder.Fresh(ctx, chosen)
	if err != nil {
		return nil, err
	}
	var wishes []wish
	var wrong []error
	for i, image := range chosen {
		if fresh[i] != Fresh {
			wrong = append(wrong, fmt.Errorf("%s of row %s %s", image.Image.Key, image.Row, fresh[i]))
		}
		wishes = append(wishes, wish{image: image, mark: m.request.Mark, by: ByCommand, why: m.request.Reason})
	}
	if len(wrong) > 0 {
		return nil, &job.InputError{Err: &job.HintedError{Err: firstOf(wrong), Hint: "run the batch again, which makes what is missing, and look at it before you mark it"}}
	}
	return wishes, nil
}

// chosen are the images that were named, each once.
func (m *marker) chosen() (chosen []PlannedImage, err error) {
	var wrong []error
	for _, name := range m.request.Rows {
		images, err := m.find(name)
		if err != nil {
			wrong = append(wrong, err)
		}
		for i := range images {
			same := func(other PlannedImage) bool { return other.Picture() == images[i].Picture() }
			if !slices.ContainsFunc(chosen, same) {
				chosen = append(chosen, images[i])
			}
		}
	}
	if len(wrong) > 0 {
		return nil, &job.InputError{Err: &job.HintedError{
			Err: firstOf(wrong), Hint: "enqueue results " + m.request.Arg + " shows the rows that have images; ROW:2 is the second image of a row",
		}}
	}
	return chosen, nil
}

// firstOf is the first of several errors, with a number for the others.
func firstOf(wrong []error) error {
	if len(wrong) == 1 {
		return wrong[0]
	}
	return fmt.Errorf("%w (and %d more like it)", wrong[0], len(wrong)-1)
}

// find are the images that a name means: those of a row, or one of them.
func (m *marker) find(name string) ([]PlannedImage, error) {
	if of := m.ofRow(name); len(of) > 0 {
		made := slices.DeleteFunc(of, func(i PlannedImage) bool { return !i.Made })
		if len(made) == 0 {
			return nil, fmt.Errorf("row %s has no image yet", name)
		}
		return made, nil
	}
	if at := strings.LastIndexByte(name, ':'); at > 0 {
		of := m.ofRow(name[:at])
		if number, err := strconv.Atoi(name[at+1:]); err == nil && len(of) > 0 {
			return oneOf(of, name[:at], number)
		}
	}
	rows := make([]string, 0, len(m.images))
	for i := range m.images {
		rows = append(rows, m.images[i].Row)
	}
	err := fmt.Errorf("batch %s has no row %q", m.folder.Batch, name)
	if meant := suggest.DidYouMean(name, slices.Compact(rows), "%"); meant != "" {
		err = fmt.Errorf("%w; %s", err, strings.TrimSuffix(meant, "."))
	}
	return nil, err
}

// ofRow are the images that the plan wants of a row.
func (m *marker) ofRow(row string) (of []PlannedImage) {
	for i := range m.images {
		if m.images[i].Row == row {
			of = append(of, m.images[i])
		}
	}
	return of
}

func oneOf(of []PlannedImage, row string, number int) ([]PlannedImage, error) {
	if number < 1 || number > len(of) {
		return nil, fmt.Errorf("row %s has %s, and no image %d", row, text.Count(len(of), "image"), number)
	}
	if !of[number-1].Made {
		return nil, fmt.Errorf("image %d of row %s is not made yet", number, row)
	}
	return of[number-1 : number], nil
}
