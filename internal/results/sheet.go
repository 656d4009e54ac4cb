package results

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// pageEntries is the number of jobs on a page and in a data file. It fills rows
// of 2 to 6, 8, 10 and 12 images without a gap.
const pageEntries = 240

// SheetOptions is what the contact sheet shows beside the log.
type SheetOptions struct {
	// Report heads the sheet: its batch, mode, state, times, cost and requests.
	Report Report
}

// WriteSheet writes the contact sheet of the batch from its log: index.html and
// one data file per 240 jobs below _nightshift/sheet. Every job stands there once,
// in the order of the plan, and a job that failed first and succeeded later as
// succeeded.
//
// The page needs neither a network nor a server, loads nothing from elsewhere,
// and treats every text as text. Data files are written first and index.html last,
// each whole or not at all; data files left over from a larger sheet are not
// looked at. The log is sorted through a temporary file, about as large as the
// log, in the system's folder for such files.
func WriteSheet(ctx context.Context, b Bucket, batch string, o SheetOptions) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write contact sheet of batch %q: %w", batch, err)
		}
	}()
	lines, err := openSpool(ctx, NewLog(b, batch))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lines.close()) }()
	w := sheetWriter{bucket: b, batch: batch, lines: lines, stamp: stamp(lines.refs)}
	for start := 0; start < len(lines.refs); start += pageEntries {
		end := min(start+pageEntries, len(lines.refs))
		if err := w.writeShard(ctx, start/pageEntries+1, lines.refs[start:end]); err != nil {
			return err
		}
	}
	return w.writeIndex(ctx, o.Report)
}

// sheetWriter writes one sheet.
type sheetWriter struct {
	bucket  Bucket
	batch   string
	lines   *spool
	stamp   string
	columns columnMaker
	shard   bytes.Buffer // reused
}

// writeShard writes one data file: a call of the page's function with the stamp,
// the number of the file, and the entries, one a line.
func (w *sheetWriter) writeShard(ctx context.Context, number int, refs []ref) error {
	w.shard.Reset()
	fmt.Fprintf(&w.shard, "nightshiftShard(%q,%d,[\n", w.stamp, number)
	for i, place := range refs {
		result, err := w.lines.result(place)
		if err != nil {
			return err
		}
		w.columns.add(&result)
		// Marshal escapes <, > and & and the line separators of Unicode.
		text, err := json.Marshal(newEntry(&result))
		if err != nil {
			return fmt.Errorf("encode job %q: %w", result.Job, err)
		}
		w.shard.Write(text)
		if i < len(refs)-1 {
			w.shard.WriteByte(',')
		}
		w.shard.WriteByte('\n')
	}
	w.shard.WriteString("])\n")
	return w.bucket.Put(ctx, objectKey(w.batch, shardName(number)), bytes.NewReader(w.shard.Bytes()))
}

func (w *sheetWriter) writeIndex(ctx context.Context, r Report) error {
	var page bytes.Buffer
	data := pageData{
		Stamp: w.stamp, Page: pageEntries, Entries: len(w.lines.refs),
		Report: r.settled(), Columns: w.columns.columns(),
	}
	if err := renderPage(&page, data); err != nil {
		return err
	}
	return w.bucket.Put(ctx, objectKey(w.batch, indexName), bytes.NewReader(page.Bytes()))
}

func shardName(number int) string { return fmt.Sprintf("%s/data-%04d.js", sheetFolder, number) }

// stamp names the state of the log that a sheet shows, so that the page notices
// when its data files were written anew since it was opened.
func stamp(refs []ref) string {
	hash := sha256.New()
	for _, line := range refs {
		fmt.Fprintf(hash, "%d %d %d %d %t\n", line.index, line.recorded, line.offset, line.length, line.ok)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}
