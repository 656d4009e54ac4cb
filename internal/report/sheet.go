package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/job"
)

// pageEntries is the number of jobs on a page and in a data file. It fills rows
// of 2 to 6, 8, 10 and 12 images without a gap.
const pageEntries = 240

// SheetOptions is what the contact sheet shows beside the log.
type SheetOptions struct {
	// Report heads the sheet: its batch, mode, state, times, cost and requests.
	Report Report
	// Picks are the marks that the images are shown with; nil shows none.
	Picks *batch.Picks
}

// WriteSheet writes the contact sheet of the batch from its log: index.html, and
// below _nightshift/sheet one data file per 240 jobs and one per column. Every job
// stands there once, in the order of the plan, and a job that failed first and
// succeeded later as succeeded.
//
// The page needs neither a network nor a server, loads nothing from elsewhere,
// and treats every text as text. Data files are written first and index.html last,
// each whole or not at all; data files left over from a larger sheet are not
// looked at. The log is sorted through a temporary file, about as large as the
// log, in the system's folder for such files; some forty bytes of each line are held
// meanwhile.
func WriteSheet(ctx context.Context, b batch.Bucket, id string, o SheetOptions) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write contact sheet of batch %q: %w", id, err)
		}
	}()
	lines, err := openSpool(ctx, batch.NewLog(b, id))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lines.close()) }()
	w := sheetWriter{bucket: b, batch: id, lines: lines, columns: newColumns(len(lines.places)), picks: o.Picks}
	for start := 0; start < len(lines.places); start += pageEntries {
		end := min(start+pageEntries, len(lines.places))
		if err := w.writeShard(ctx, start/pageEntries+1, lines.places[start:end]); err != nil {
			return err
		}
	}
	facets := w.columns.facets.facets(len(lines.places))
	if err := w.writeColumns(ctx, facets); err != nil {
		return err
	}
	return w.writeIndex(ctx, o.Report, facets)
}

// sheetWriter writes one sheet.
type sheetWriter struct {
	bucket  batch.Bucket
	batch   string
	lines   *spool
	columns *columns
	picks   *batch.Picks // nil without marks
	marks   []drawnMark
	shard   bytes.Buffer // reused
}

// drawnMark is an image that has a mark when the sheet is drawn. The page holds all of
// them: people mark thousands at most, and filters need them at once.
type drawnMark struct {
	Image string   `json:"image"`
	Job   job.ID   `json:"job"`
	Mark  job.Mark `json:"mark"`
}

func (w *sheetWriter) addMarks(r *job.Result) {
	if w.picks == nil {
		return
	}
	for i, image := range r.Images {
		if mark := w.picks.Of(job.Picture{Job: r.Job, Image: i}); mark != job.Unmarked {
			w.marks = append(w.marks, drawnMark{image.Key, r.Job, mark})
		}
	}
}

// writeShard writes one data file: a call of the page's function with the stamp,
// the number of the file, and the entries, one a line.
func (w *sheetWriter) writeShard(ctx context.Context, number int, places []place) error {
	w.shard.Reset()
	fmt.Fprintf(&w.shard, "nightshiftShard(%q,%d,[\n", w.lines.stamp, number)
	for i, at := range places {
		result, err := w.lines.result(at)
		if err != nil {
			return err
		}
		w.columns.add(&result)
		w.addMarks(&result)
		// Marshal escapes <, > and & and the line separators of Unicode.
		text, err := json.Marshal(newEntry(&result))
		if err != nil {
			return fmt.Errorf("encode job %q: %w", result.Job, err)
		}
		w.shard.Write(text)
		if i < len(places)-1 {
			w.shard.WriteByte(',')
		}
		w.shard.WriteByte('\n')
	}
	w.shard.WriteString("])\n")
	return w.bucket.Put(ctx, objectKey(w.batch, shardName(number)), bytes.NewReader(w.shard.Bytes()))
}

// writeColumns writes a data file for each column: a call of the page's function
// with the stamp, the name of the column, and the value of each entry.
func (w *sheetWriter) writeColumns(ctx context.Context, facets []facet) error {
	files := map[string]io.Reader{
		"states": textColumn(w.columns.states), "costs": listColumn(w.columns.costs),
		"seconds": listColumn(w.columns.tenths), "ended": listColumn(w.columns.ended),
	}
	for i, facet := range facets {
		files[facetColumnName(i)] = textColumn(facet.of)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		head := fmt.Sprintf("nightshiftColumn(%q,%q,", w.lines.stamp, name)
		body := io.MultiReader(strings.NewReader(head), files[name], strings.NewReader(")\n"))
		if err := w.bucket.Put(ctx, objectKey(w.batch, columnName(name)), body); err != nil {
			return err
		}
	}
	return nil
}

func (w *sheetWriter) writeIndex(ctx context.Context, r Report, facets []facet) error {
	identity, err := bucket.ReadIdentity(ctx, w.bucket)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	data := pageData{
		Stamp: w.lines.stamp, Page: pageEntries, Entries: len(w.lines.places), Report: r.settled(),
		Failed: w.columns.failed, Warnings: w.columns.warnings, Images: w.columns.images, Facets: facets,
		Bucket: identity, ID: w.batch, Marks: append([]drawnMark{}, w.marks...),
	}
	if err := renderPage(&page, data); err != nil {
		return err
	}
	return w.bucket.Put(ctx, objectKey(w.batch, indexName), bytes.NewReader(page.Bytes()))
}

func shardName(number int) string { return fmt.Sprintf("%s/data-%04d.js", sheetFolder, number) }

func columnName(name string) string { return fmt.Sprintf("%s/column-%s.js", sheetFolder, name) }

// facetColumnName is the name of the column of a facet; the facet's own name is text
// of others and names no file.
func facetColumnName(number int) string { return fmt.Sprintf("facet-%d", number) }
