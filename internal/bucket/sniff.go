package bucket

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Format is what the bytes of an image are, whatever they are called.
type Format string

// The formats that are stored.
const (
	PNG  Format = "png"
	JPEG Format = "jpeg"
	WebP Format = "webp"
)

// Extension is the usual file extension of the format, without the point.
func (f Format) Extension() string {
	if f == JPEG {
		return "jpg"
	}
	return string(f)
}

// title is the format's name as people write it.
func (f Format) title() string {
	if f == WebP {
		return "WebP"
	}
	return strings.ToUpper(string(f))
}

// sniffBytes is how much of an image tells its format.
const sniffBytes = 12

const pngSignature = "\x89PNG\r\n\x1a\n"

// sniff names the format of an image by its first bytes; what else may come as
// an answer to a download is named in the error.
func sniff(head []byte) (Format, error) {
	text := string(head[:min(len(head), sniffBytes)])
	switch {
	case len(head) == 0:
		return "", errors.New("the body is empty")
	case strings.HasPrefix(text, pngSignature):
		return PNG, nil
	case strings.HasPrefix(text, "\xff\xd8\xff"):
		return JPEG, nil
	case len(text) == sniffBytes && text[:4] == "RIFF" && text[8:] == "WEBP":
		return WebP, nil
	}
	return "", fmt.Errorf("the body is %s, not a PNG, JPEG or WebP image", describe(head))
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
