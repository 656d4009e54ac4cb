package report

import (
	"path"
)

// The names within a batch's folder.
const (
	reportName  = "report.json"
	indexName   = "index.html"
	sheetFolder = "_nightshift/sheet"
	thumbFolder = "_nightshift/thumbs"
)

func objectKey(batch, name string) string { return path.Join(batch, name) }
