package image

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// sniffBytes is how much of an image tells its format.
const sniffBytes = 12

// sniff names the format of an image by its first bytes; what else may come as
// an answer to a download is named in the error.
func sniff(head []byte) (Format, error) {
	if len(head) == 0 {
		return "", errors.New("the body is empty")
	}
	for i := range formats {
		if formats[i].is(head) {
			return formats[i].format, nil
		}
	}
	return "", fmt.Errorf("the body is %s, not a %s image", describe(head), titles())
}

// describe names a body that is no image we store, as well as its head tells.
func describe(head []byte) string {
	if len(head) > 8 && string(head[4:8]) == "ftyp" {
		return fmt.Sprintf("a file of type %q", bytes.TrimSpace(head[8:min(len(head), 12)]))
	}
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	for _, known := range []struct{ prefix, name string }{
		{"<!doctype html", "an HTML page"},
		{"<html", "an HTML page"},
		{"<svg", "an SVG drawing"},
		{"<?xml", "an XML document"},
		{"<", "an HTML or XML document"},
		{"{", "a JSON answer"},
		{"[", "a JSON answer"},
		{"gif8", "a GIF image"},
		{"\x1f\x8b", "compressed with gzip"},
		{"%pdf", "a PDF document"},
		{"ii*\x00", "a TIFF image"},
		{"mm\x00*", "a TIFF image"},
		{"riff", "a RIFF file of another kind"},
	} {
		start := trimmed[:min(len(trimmed), len(known.prefix))]
		if strings.EqualFold(string(start), known.prefix) {
			return known.name
		}
	}
	return fmt.Sprintf("something else (it begins with %q)", head[:min(len(head), sniffBytes)])
}
