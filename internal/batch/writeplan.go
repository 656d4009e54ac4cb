package batch

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"iter"
	"sync"

	"nightshift/internal/bucket"
	"nightshift/internal/plan"
)

// writePlan writes the jobs of a plan, one a line, and returns a digest of what they are.
func writePlan(ctx context.Context, b bucket.Objects, key string, jobs iter.Seq2[plan.PlannedJob, error]) (digest string, err error) {
	content := sha256.New()
	reader, writer := io.Pipe()
	var writing sync.WaitGroup
	writing.Go(func() {
		buffered := bufio.NewWriterSize(writer, 64<<10)
		err := encodePlan(buffered, jobs, content)
		if err == nil {
			err = buffered.Flush()
		}
		writer.CloseWithError(err)
	})
	defer writing.Wait()
	defer reader.Close() // ends the writer, should Put have given up
	if err := b.Put(ctx, key, reader); err != nil {
		return "", err
	}
	writing.Wait()
	return hex.EncodeToString(content.Sum(nil)), nil
}

// encodePlan writes the jobs, and their ids, which name their content, to content.
func encodePlan(w io.Writer, jobs iter.Seq2[plan.PlannedJob, error], content io.Writer) error {
	var line []byte
	for j, err := range jobs {
		if err != nil {
			return err
		}
		line = j.AppendLine(line[:0])
		if _, err := w.Write(line); err != nil {
			return err
		}
		if _, err := io.WriteString(content, string(j.ID)); err != nil {
			return err
		}
	}
	return nil
}
