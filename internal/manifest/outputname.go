package manifest

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"nightshift/internal/text"

	"golang.org/x/text/unicode/norm"
)

const (
	maxNameBytes = 900 // of a whole output name; S3 takes 1024 with the batch's folder
	maxPartBytes = 200 // of a file or folder name; file systems take 255
)

// imageExtensions are those an output may end in.
var imageExtensions = []string{"png", "jpg", "jpeg", "webp", "avif", "gif"}

// reservedTop are the names that Nightshift writes itself in a batch's folder.
var reservedTop = []string{"_nightshift", "results.jsonl", "errors.jsonl", "report.json", "index.html"}

// safeRune reports whether a character may stand in a file name everywhere.
func safeRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			r == '-' || r == '_' || r == '.' || r == '@' || r == '='
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}

// slug makes a value safe as a part of a file name: letters in their composed
// form, everything unsafe as a hyphen, no dot at either end. It may return "".
func slug(value string) string {
	if isSafe(value) && !strings.HasPrefix(value, ".") && !strings.HasSuffix(value, ".") {
		return value
	}
	var safe strings.Builder
	gap := false
	for _, r := range norm.NFC.String(value) {
		if !safeRune(r) {
			gap = safe.Len() > 0
			continue
		}
		if gap {
			safe.WriteByte('-')
			gap = false
		}
		safe.WriteRune(r)
	}
	result := strings.TrimRight(safe.String(), ".")
	if strings.HasPrefix(result, ".") {
		return strings.TrimLeft(result, ".-")
	}
	return result
}

// isSafe reports whether a value consists of safe ASCII alone.
func isSafe(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r >= utf8.RuneSelf || !safeRune(r) })
}

// templateFault says what an output template holds that no file name may, or "".
// Placeholders are left out; what they bring is made safe by itself.
func templateFault(template string) (message, suggestion string) {
	if template == "" || template[0] == '/' {
		return "output must be a path within the batch's folder", "leave out the leading /"
	}
	if strings.Contains(template, "{{") || strings.Contains(template, "}}") {
		return "output cannot hold braces themselves", "use letters, digits, - _ . @ = and /"
	}
	inside := false
	for _, r := range template {
		switch {
		case r == '{' || r == '}':
			inside = r == '{'
		case inside || r == '/' || safeRune(r):
		case r == '\\':
			return `output holds \`, "folders are separated by /"
		default:
			return fmt.Sprintf("output holds the character %q", r), "use letters, digits, - _ . @ = and /"
		}
	}
	return "", ""
}

// nameFault says what is wrong with an output name of which only the places for
// number, extension, seed and hash are open, or "".
func nameFault(name string) (message, suggestion string) {
	if len(name) > maxNameBytes {
		return fmt.Sprintf("output has %d bytes; at most %d fit", len(name), maxNameBytes), "use shorter variables"
	}
	for part := range strings.SplitSeq(name, "/") {
		if message, suggestion := partFault(part); message != "" {
			return message, suggestion
		}
	}
	top, _, _ := strings.Cut(name, "/")
	if slices.ContainsFunc(reservedTop, func(own string) bool { return strings.EqualFold(own, top) }) {
		return fmt.Sprintf("output starts with %s, which Nightshift writes itself", top), "choose another name"
	}
	extension := path.Ext(name)
	if extension != ".{"+openExt+"}" && (extension == "" || !isImageExtension(extension[1:])) {
		return fmt.Sprintf("output %q does not end in an image extension", text.Shown(name, shownLength)), "end it with .{ext}"
	}
	return "", ""
}

// CheckOutput is the error of an output name, with or without an open extension, that no
// manifest could have asked for: one that leaves the batch's folder, or that is ours.
func CheckOutput(name string) error {
	if message, _ := nameFault(name); message != "" {
		return errors.New(message)
	}
	return nil
}

func partFault(part string) (message, suggestion string) {
	switch {
	case part == "":
		return "output has an empty file or folder name", "check the variables in it"
	case part == "..":
		return "output leaves the batch's folder with ..", "leave it out"
	case part[0] == '.':
		return fmt.Sprintf("output has the hidden name %q", text.Shown(part, shownLength)), "begin it with a letter or digit"
	case part[len(part)-1] == '.':
		return fmt.Sprintf("output has a name that ends in a dot: %q", text.Shown(part, shownLength)), "end it otherwise; Windows drops the dot"
	case len(part) > maxPartBytes:
		return fmt.Sprintf("output has a name of %d bytes; at most %d fit: %q", len(part), maxPartBytes, text.Shown(part, shownLength)),
			"use shorter variables"
	case isDeviceName(part):
		return fmt.Sprintf("output has the name %q, which Windows keeps for a device", part), "add something to it"
	}
	return "", ""
}

// isDeviceName reports whether Windows takes a file name, with any extension, for
// a device.
func isDeviceName(part string) bool {
	base, _, _ := strings.Cut(part, ".")
	switch len(base) {
	case 3:
		return slices.ContainsFunc([]string{"con", "prn", "aux", "nul"}, func(n string) bool { return strings.EqualFold(n, base) })
	case 4:
		return base[3] >= '1' && base[3] <= '9' && (strings.EqualFold(base[:3], "com") || strings.EqualFold(base[:3], "lpt"))
	}
	return false
}

// foldName brings names that a file system may take for one into one form.
func foldName(name string) string { return norm.NFC.String(strings.ToLower(name)) }

// trimExtension takes the image extension or {ext} from a folded name.
func trimExtension(name string) string {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return name
	}
	if extension := name[dot+1:]; extension == "{"+openExt+"}" || isImageExtension(extension) {
		return name[:dot]
	}
	return name
}

func isImageExtension(extension string) bool {
	return slices.ContainsFunc(imageExtensions, func(known string) bool { return strings.EqualFold(extension, known) })
}
