package results

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"nightshift/internal/job"
)

// spool holds the lines of a log in a temporary file, because an object of the
// bucket can only be read from its start and the sheet needs the lines in the
// order of the plan.
type spool struct {
	file *os.File
	refs []ref // the lines that count, in the order of the plan
}

func openSpool(ctx context.Context, log *Log) (*spool, error) {
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

func (s *spool) fill(ctx context.Context, log *Log) error {
	writer := bufio.NewWriterSize(s.file, 256<<10)
	maker := newRefMaker()
	var offset int64
	for result, err := range log.all(ctx) {
		if err != nil {
			return err
		}
		line, err := encodeLine(result)
		if err != nil {
			return err
		}
		place := maker.make(&result)
		place.offset, place.length = offset, int32(len(line))
		s.refs = append(s.refs, place)
		offset += int64(len(line))
		if _, err := writer.Write(line); err != nil {
			return fmt.Errorf("fill the temporary file: %w", err)
		}
	}
	s.refs = newest(s.refs)
	if err := writer.Flush(); err != nil {
		return fmt.Errorf("fill the temporary file: %w", err)
	}
	return nil
}

func (s *spool) result(place ref) (job.Result, error) {
	line := make([]byte, place.length)
	if _, err := s.file.ReadAt(line, place.offset); err != nil {
		return job.Result{}, fmt.Errorf("read the temporary file: %w", err)
	}
	return decodeResult(line)
}

// close removes the file.
func (s *spool) close() error {
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}
