package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/progress"
	"nightshift/internal/view"
)

type resultsOptions struct {
	format  string
	json    bool // the same as format jsonl
	failed  bool
	row     string
	links   bool
	expires time.Duration
}

// The formats of results.
const (
	formatTable = "table"
	formatJSONL = "jsonl"
	formatCSV   = "csv"
)

var formats = []string{formatTable, formatJSONL, formatCSV}

// longestLink is the longest time that S3 lets a link live.
const longestLink = 7 * 24 * time.Hour

// showResults is the command results: what came of the jobs of a batch.
func showResults(ctx context.Context, p app.Process, s config.Settings, arg string, o resultsOptions) error {
	if err := o.check(); err != nil {
		return &job.InputError{Err: err}
	}
	return view.With(ctx, p, s, func(v *view.View) error {
		id, err := v.Find(ctx, arg)
		if err != nil {
			return err
		}
		style := progress.StyleOf(p.Stdout, p.Environ, false, false)
		out := p.Stdout
		if o.format == formatTable { // which cleans its cells
			out = progress.Screen(out, style)
		}
		buffered := bufio.NewWriter(out)
		marks, err := newMarkColumn(ctx, v, id)
		if err != nil {
			return err
		}
		sink := o.sink(buffered, style, marks != nil)
		count := 0
		for result, err := range (selection{failed: o.failed, row: o.row}).lastLines(ctx, batch.NewLog(v.Bucket, id)) {
			if err != nil {
				return errors.Join(err, buffered.Flush())
			}
			count++
			shown := shownResult{Result: result, Marks: marks.of(&result)}
			if o.links {
				if shown.Links, err = linksTo(ctx, v.Bucket, id, &result, o.expires); err != nil {
					return err
				}
			}
			if err := sink.write(&shown); err != nil {
				return err
			}
		}
		if err := sink.end(); err != nil {
			return err
		}
		if o.format == formatTable {
			fmt.Fprint(buffered, marks.words())
		}
		if err := buffered.Flush(); err != nil || count > 0 || o.format != formatTable {
			return err
		}
		_, err = fmt.Fprintln(p.Stdout, o.none(id))
		return err
	})
}

func (o *resultsOptions) check() error {
	if o.json {
		if o.format != "" && o.format != formatJSONL {
			return fmt.Errorf("--json is --format jsonl, not %s", o.format)
		}
		o.format = formatJSONL
	}
	if o.format == "" {
		o.format = formatTable
	}
	if !slices.Contains(formats, o.format) {
		return fmt.Errorf("--format %s is not known; it is table, jsonl or csv", o.format)
	}
	if o.expires < time.Second || o.expires > longestLink {
		return fmt.Errorf("--expires is %s; it can be from 1s to %s", o.expires, longestLink)
	}
	return nil
}

// none is what is said where no result is wanted.
func (o *resultsOptions) none(batch string) string {
	switch {
	case o.row != "":
		return fmt.Sprintf("no result of %s is of a row %q", batch, o.row)
	case o.failed:
		return "no job of " + batch + " has failed for good"
	default:
		return "no job of " + batch + " has succeeded yet"
	}
}

// shownResult is a line of results: one of results.jsonl or errors.jsonl, with links to
// its images where they were asked for.
type shownResult struct {
	job.Result
	Links []string `json:"links,omitempty"`
	// Marks are those of its images; absent where none of the batch has any.
	Marks []job.Mark `json:"marks,omitempty"`
}

// markColumn tells how images are marked; nil where none of the batch is.
type markColumn struct {
	picks *batch.Picks
	sums  *job.Picks // by the report, which is written with each mark
}

func newMarkColumn(ctx context.Context, v *view.View, id string) (*markColumn, error) {
	picks, err := batch.ReadPicks(ctx, v.Bucket, id)
	if err != nil || !picks.Any() {
		return nil, err
	}
	report, err := view.StoredReport(ctx, v.Bucket, id)
	if err != nil || report == nil {
		return &markColumn{picks: picks}, err
	}
	return &markColumn{picks, report.Picks}, nil
}

// of are the marks of a result's images, in their order.
func (c *markColumn) of(result *job.Result) []job.Mark {
	if c == nil {
		return nil
	}
	marks := make([]job.Mark, len(result.Images))
	for i := range marks {
		marks[i] = c.picks.Of(job.Picture{Job: result.Job, Image: i})
	}
	return marks
}

// words sum the marks up below the table.
func (c *markColumn) words() string {
	if c == nil || c.sums == nil {
		return ""
	}
	return "\n" + progress.PickWords(c.sums) + "\n"
}

// linksTo are links to the images of a result, in their order.
func linksTo(ctx context.Context, b bucket.Objects, batch string, result *job.Result, ttl time.Duration) ([]string, error) {
	var links []string
	for i := range result.Images {
		link, err := b.Link(ctx, result.Key(batch, i), ttl)
		if err != nil {
			return nil, err
		}
		links = append(links, link)
	}
	return links, nil
}

// resultSink is a way of showing results.
type resultSink interface {
	write(r *shownResult) error
	end() error
}

func (o *resultsOptions) sink(out io.Writer, style progress.Style, marks bool) resultSink {
	switch o.format {
	case formatJSONL:
		return jsonResults{out}
	case formatCSV:
		return newCSVResults(out, o.links, marks)
	default:
		return newTableResults(out, style, o.failed, o.links, marks)
	}
}
