package report

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"nightshift/internal/batch"
	"nightshift/internal/job"
)

// spool holds the lines of a log in a temporary file, because an object of the
// bucket can only be read from its start and the sheet needs the lines in the
// order of the plan.
type spool struct {
	file   *os.File
	places []place // of the lines that count, in the order of the plan
	stamp  string  // names the state of the log
	buffer []byte  // reused
}

// place is where the text of a line lies.
type place struct {
	offset int64
	index  int32 // of the job, in the plan
	length int32
}

func openSpool(ctx context.Context, log *batch.Log) (*spool, error) {
	file, err := os.CreateTemp("", "nightshift-sheet-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	s := &spool{file: file}
	if err := s.fill(ctx, log); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *spool) fill(ctx context.Context, log *batch.Log) error {
	hash := sha256.New()
	writer := bufio.NewWriterSize(io.MultiWriter(s.file, hash), 256<<10)
	refs := newRefTable()
	var places chunks[place]
	var offset int64
	for line, err := range log.Brief(ctx) {
		if err != nil {
			return err
		}
		refs.add(&line.Value)
		places.add(place{offset, int32(line.Value.Index), int32(len(line.Text))})
		offset += int64(len(line.Text))
		if _, err := writer.Write(line.Text); err != nil {
			return fmt.Errorf("fill the temporary file: %w", err)
		}
	}
	if err := writer.Flush(); err != nil {
		return fmt.Errorf("fill the temporary file: %w", err)
	}
	s.stamp = hex.EncodeToString(hash.Sum(nil)[:8])
	s.places = standingPlaces(refs, places)
	return nil
}

// standingPlaces returns the places of those lines that tell how things stand now,
// in the order of the plan.
func standingPlaces(refs *refTable, places chunks[place]) []place {
	stands, count := make([]bool, refs.lines), 0
	refs.standing(func(number int) {
		stands[number] = true
		count++
	})
	list := make([]place, 0, count)
	for number, is := range stands {
		if is {
			list = append(list, *places.at(number))
		}
	}
	slices.SortFunc(list, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.offset, b.offset))
	})
	return list
}

func (s *spool) result(at place) (job.Result, error) {
	s.buffer = slices.Grow(s.buffer[:0], int(at.length))[:at.length]
	if _, err := s.file.ReadAt(s.buffer, at.offset); err != nil {
		return job.Result{}, fmt.Errorf("read the temporary file: %w", err)
	}
	result, err := batch.DecodeResult(s.buffer)
	if err != nil {
		return result, fmt.Errorf("read the line of the job with index %d: %w", at.index, err)
	}
	return result, nil
}

// close removes the file.
func (s *spool) close() error {
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}
