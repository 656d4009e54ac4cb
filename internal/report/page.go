package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed sheet/index.html
var pageSource string

//go:embed sheet/sheet.css
var styleSource string

// The page's script in parts, which share one scope.
var (
	//go:embed sheet/data.js
	dataScript string
	//go:embed sheet/query.js
	queryScript string
	//go:embed sheet/marks.js
	marksScript string
	//go:embed sheet/grid.js
	gridScript string
	//go:embed sheet/viewer.js
	viewerScript string
	//go:embed sheet/main.js
	mainScript string
)

var pageTemplate = template.Must(template.New("index.html").Parse(pageSource))

// pageData is the JSON inside index.html.
type pageData struct {
	Stamp   string `json:"stamp"`
	Page    int    `json:"page"`    // entries per data file and page
	Entries int    `json:"entries"` // in all
	Report  Report `json:"report"`

	Failed   int     `json:"failed"`   // entries that failed or were cancelled
	Warnings int     `json:"warnings"` // entries with an image that differs from what was wished
	Images   int     `json:"images"`
	Facets   []facet `json:"facets"` // the column of each is named by its place

	Bucket string      `json:"bucket"` // the bucket's identity, which a file of marks names
	ID     string      `json:"id"`     // of the batch
	Marks  []drawnMark `json:"marks"`
}

// renderPage writes index.html. The policy in its head lets only this script and
// this style run, by their hashes, and data files and images from beside the page;
// "file:" is needed because a page from disk has no origin that 'self' could mean.
func renderPage(out io.Writer, data pageData) error {
	script := "'use strict';\n" + dataScript + queryScript + marksScript + gridScript + viewerScript + mainScript
	policy := fmt.Sprintf("default-src 'none'; script-src 'self' file: '%s'; style-src '%s'; img-src 'self' file:; "+
		"base-uri 'none'; form-action 'none'", contentHash(script), contentHash(styleSource))
	err := pageTemplate.Execute(out, map[string]any{
		"Policy": policy,
		"Data":   data,
		"Words":  outcomeWords(&data.Report),
		"Style":  template.CSS(styleSource), //nolint:gosec // our own file
		"Script": template.JS(script),       //nolint:gosec // our own files
	})
	if err != nil {
		return fmt.Errorf("render %s: %w", indexName, err)
	}
	return nil
}

// outcomeWords are the outcome as the head of a page says it.
func outcomeWords(r *Report) string {
	words := r.State.Words(r.Counts.Missing())
	return strings.ToUpper(words[:min(len(words), 1)]) + words[min(len(words), 1):]
}

func contentHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
