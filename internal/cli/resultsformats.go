package cli

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"nightshift/internal/job"
	"nightshift/internal/progress"
	"nightshift/internal/text"
)

// jsonResults are one object a line, as in the bucket.
type jsonResults struct{ out io.Writer }

func (j jsonResults) write(r *shownResult) error { return text.WriteJSON(j.out, r) }

func (j jsonResults) end() error { return nil }

// csvResults are one image a line, and a job without images one.
type csvResults struct {
	out    *csv.Writer
	links  bool
	marks  bool
	headed bool
}

func newCSVResults(out io.Writer, links, marks bool) *csvResults {
	return &csvResults{out: csv.NewWriter(out), links: links, marks: marks}
}

func (c *csvResults) head() error {
	if c.headed {
		return nil
	}
	c.headed = true
	head := []string{
		"row", "job", "state", "model", "prompt", "seed", "image", "format", "width", "height", "bytes", "asset",
		"inference", "api_key", "attempts", "billed_cu", "refunded_cu", "kind", "reason", "submitted", "ended", "recorded",
	}
	if c.marks {
		head = append(head, "mark")
	}
	if c.links {
		head = append(head, "link")
	}
	return c.out.Write(head)
}

func (c *csvResults) write(r *shownResult) error {
	if err := c.head(); err != nil {
		return err
	}
	for i := range max(1, len(r.Images)) {
		image := make([]string, 6)
		if i < len(r.Images) {
			m := r.Images[i]
			image = []string{m.Key, m.Format, strconv.Itoa(m.Width), strconv.Itoa(m.Height), strconv.FormatInt(m.Bytes, 10), m.Asset}
		}
		line := append([]string{r.Row, string(r.Job), string(r.State), r.Model, r.Prompt, r.Seed}, image...)
		billed, refunded := "", ""
		if i == 0 { // once a job, so that the column adds up
			billed, refunded = r.Billed.String(), r.Refunded.String()
		}
		line = append(line, r.Inference, r.APIKey, strconv.Itoa(r.Attempts), billed, refunded, r.Kind, r.Reason,
			csvTime(r.Submitted), csvTime(r.Ended), csvTime(r.Recorded))
		if c.marks {
			mark := ""
			if i < len(r.Marks) {
				mark = string(r.Marks[i])
			}
			line = append(line, mark)
		}
		if c.links {
			link := ""
			if i < len(r.Links) {
				link = r.Links[i]
			}
			line = append(line, link)
		}
		for at, cell := range line {
			line[at] = defused(cell)
		}
		if err := c.out.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// defused keeps a cell from being a formula where a spreadsheet opens the table: one
// that begins like a formula, and is no number, gets a quote in front.
func defused(cell string) string {
	first, _ := utf8.DecodeRuneInString(cell)
	if cell == "" || !strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return cell
	}
	if _, err := strconv.ParseFloat(cell, 64); err == nil {
		return cell
	}
	return "'" + cell
}

func (c *csvResults) end() error {
	if err := c.head(); err != nil {
		return err
	}
	c.out.Flush()
	return c.out.Error()
}

func csvTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// tableResults are for people: one line a job, and links below it, so that they can be
// copied whole.
type tableResults struct {
	table  *progress.TableWriter
	failed bool
	links  bool
	marks  bool
	any    bool
}

func newTableResults(out io.Writer, style progress.Style, failed, links, marks bool) *tableResults {
	head := []string{"ROW", "CU", "TOOK", "SEED", "IMAGES"}
	if marks {
		head = slices.Insert(head, len(head)-1, "MARKS")
	}
	if failed {
		head = []string{"ROW", "CU", "TRIES", "KIND", "REASON"}
	}
	if links {
		style.Terminal = false // a link that is cut is none
	}
	return &tableResults{table: progress.NewTable(out, style, head), failed: failed, links: links, marks: marks}
}

func (t *tableResults) write(r *shownResult) error {
	t.any = true
	cu := (r.Billed - r.Refunded).String()
	if t.failed {
		reason := r.Reason
		if r.Hint != "" {
			reason += " (" + r.Hint + ")"
		}
		return t.table.Row(r.Row, cu, strconv.Itoa(r.Attempts), r.Kind, reason)
	}
	images := make([]string, len(r.Images))
	for i, image := range r.Images {
		images[i] = image.Key
	}
	if t.links {
		images = r.Links
	}
	cells := []string{r.Row, cu, tookWords(r.Submitted, r.Ended), r.Seed, strings.Join(images, " ")}
	if t.marks {
		cells = slices.Insert(cells, len(cells)-1, markWords(r.Marks))
	}
	return t.table.Row(cells...)
}

// markWords are the marks of images in their order, with - for none.
func markWords(marks []job.Mark) string {
	words := make([]string, len(marks))
	for i, mark := range marks {
		words[i] = string(mark)
		if mark == job.Unmarked {
			words[i] = "-"
		}
	}
	return strings.Join(words, " ")
}

func (t *tableResults) end() error {
	if !t.any {
		return nil
	}
	return t.table.Flush()
}

// tookWords is how long an inference took.
func tookWords(submitted, ended time.Time) string {
	if submitted.IsZero() || !ended.After(submitted) {
		return "-"
	}
	return ended.Sub(submitted).Round(time.Second).String()
}
