package batch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"iter"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
)

// Follower reads what is added to the log of a batch by whatever process, from its
// start and then from where it was left. It is for one goroutine.
type Follower struct {
	bucket Bucket
	files  []*followed
}

// followed is a file of the log and how far it was read. Where the bucket's objects
// cannot seek they are read whole each time, and what was told is known by its hash: on
// S3, lines of several writers can come to stand before those that were read.
type followed struct {
	key  string
	at   int64 // bytes
	line int
	told map[uint64]bool
}

// Follow returns a follower of the log, of failed jobs alone if only they are wanted.
func (l *Log) Follow(failuresOnly bool) *Follower {
	f := &Follower{bucket: l.bucket, files: []*followed{{key: objectKey(l.batch, failedName)}}}
	if !failuresOnly {
		f.files = append(f.files, &followed{key: objectKey(l.batch, succeededName)})
	}
	return f
}

// Next streams what was added since. What was read before is not read again where the
// bucket's objects can seek, and skipped by reading elsewhere. Errors are those of
// [Log.Succeeded]; the line that cannot be read is tried again by the next call.
func (f *Follower) Next(ctx context.Context) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		for _, file := range f.files {
			for result, err := range f.rest(ctx, file) {
				if !yield(result, err) || err != nil {
					return
				}
			}
		}
	}
}

func (f *Follower) rest(ctx context.Context, file *followed) iter.Seq2[job.Result, error] {
	return func(yield func(job.Result, error) bool) {
		body, err := f.bucket.Open(ctx, file.key)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err == nil {
			defer body.Close() // only read from
			if _, seeks := body.(io.Seeker); !seeks {
				file.at, file.line = 0, 0
				if file.told == nil {
					file.told = make(map[uint64]bool)
				}
			}
			err = jsonl.Forward(body, file.at)
		}
		if jsonl.IgnoreEnd(err) != nil {
			yield(job.Result{}, fmt.Errorf("read %s: %w", file.key, err))
			return
		}
		reader := bufio.NewReaderSize(body, 64<<10)
		for {
			line, complete, err := jsonl.ReadLine(reader)
			if err == nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				yield(job.Result{}, fmt.Errorf("read %s, line %d: %w", file.key, file.line+1, err))
				return
			}
			if !complete {
				return // its writer is not done
			}
			found, err := wholeResults.DecodeLine(line)
			if err != nil {
				yield(job.Result{}, jsonl.Damaged(file.key, file.line+1, err, wholeResults.Hint))
				return
			}
			file.at, file.line = file.at+int64(len(line))+1, file.line+1
			for _, each := range found {
				if file.isNews(each.Text) && !yield(each.Value, nil) {
					return
				}
			}
		}
	}
}

// isNews reports whether a line was not told yet, as far as that is remembered.
func (f *followed) isNews(text []byte) bool {
	if f.told == nil {
		return true
	}
	sum := fnv.New64a()
	_, _ = sum.Write(text) // a hash takes everything
	told := f.told[sum.Sum64()]
	f.told[sum.Sum64()] = true
	return !told
}
