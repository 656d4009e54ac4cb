package manifest

import (
	"cmp"
	"errors"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"nightshift/internal/job"
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

// safeBatchName turns a text into the name of a batch: letters and digits of any script, in
// their composed form, and - _ . with a letter or digit at both ends. It may return "".
func safeBatchName(name string) string {
	var safe strings.Builder
	for _, r := range norm.NFC.String(name) {
		if !safeRune(r) || r == '@' || r == '=' {
			r = '-'
		}
		safe.WriteRune(r)
	}
	result := strings.TrimLeftFunc(safe.String(), func(r rune) bool { return isNameEnd(r) || unicode.IsMark(r) })
	end := min(len(result), maxBatchName)
	for end < len(result) && !utf8.RuneStart(result[end]) {
		end--
	}
	result = strings.TrimRightFunc(result[:end], isNameEnd)
	if isDeviceName(result) {
		return result + "-batch"
	}
	return result
}

// isNameEnd reports whether a character may stand at neither end of a name.
func isNameEnd(r rune) bool { return r == '-' || r == '_' || r == '.' }

// Rename states the name of the batch in place of that of the manifest.
func (m *Manifest) Rename(name string) error {
	name = norm.NFC.String(name)
	message, suggestion := batchNameFault(name)
	if message == "" && m.Mode == job.Live && strings.EqualFold(name, testFolder) {
		message, suggestion = "a live batch cannot be named "+name+", which is the folder of all test batches", "for example "+name+"-batch"
	}
	if message != "" || name == "" {
		return &job.InputError{Err: &job.HintedError{Err: errors.New(cmp.Or(message, "the name is empty")), Hint: suggestion}}
	}
	m.Name, m.Named = name, true
	return nil
}

// ValidBatchName reports whether a text can be the name of a batch.
func ValidBatchName(name string) bool { return name != "" && safeBatchName(name) == name }

// fileBatchName is the name of the batch of a flat file.
func fileBatchName(path string) string {
	base := filepath.Base(path)
	if name := safeBatchName(strings.TrimSuffix(base, filepath.Ext(base))); name != "" {
		return name
	}
	return "batch"
}
