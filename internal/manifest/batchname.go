package manifest

import (
	"path/filepath"
	"strings"
)

// maxBatchName bounds a batch's name in bytes; it is a folder and a label.
const maxBatchName = 80

// testFolder holds the folders of all test batches, so no live batch can have its
// name.
const testFolder = "test"

// batchNameFault says why a text cannot be the name of a batch, or "".
func batchNameFault(name string) (message, suggestion string) {
	safe := safeBatchName(name)
	if safe == name {
		return "", ""
	}
	suggestion = "use letters, digits, - _ and ."
	if safe != "" {
		suggestion = "for example " + safe
	}
	return "name " + quoteShort(name) + " cannot be the name of a folder", suggestion
}

// safeBatchName turns a text into the name of a batch: ASCII letters, digits and
// - _ . with a letter or digit at both ends. It may return "".
func safeBatchName(name string) string {
	var safe strings.Builder
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r):
			safe.WriteRune(r)
		default:
			safe.WriteByte('-')
		}
	}
	result := strings.Trim(safe.String(), "-_.")
	result = strings.TrimRight(result[:min(len(result), maxBatchName)], "-_.")
	if isDeviceName(result) {
		return result + "-batch"
	}
	return result
}

// fileBatchName is the name of the batch of a flat file.
func fileBatchName(path string) string {
	base := filepath.Base(path)
	if name := safeBatchName(strings.TrimSuffix(base, filepath.Ext(base))); name != "" {
		return name
	}
	return "batch"
}
