package image

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// extensionMark is what stands in a name for the extension of the image's format.
const extensionMark = "{ext}"

// Fill returns the name of an image of this format.
func Fill(name string, format Format) string {
	return strings.ReplaceAll(name, extensionMark, format.Extension())
}

// Names are those that an image may have which was asked for under the name: one, or
// one for each format.
func Names(name string) []string {
	if !strings.Contains(name, extensionMark) {
		return []string{name}
	}
	names := make([]string, len(formats))
	for i := range formats {
		names[i] = Fill(name, formats[i].format)
	}
	return names
}

// ByName is the format that a name promises, "" for one that is not stored. It
// reports false for a name that promises none.
func ByName(name string) (format Format, promised bool) {
	extension := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	for i := range formats {
		if slices.Contains(formats[i].extensions, extension) {
			return formats[i].format, true
		}
	}
	return "", slices.Contains(otherExtensions, extension)
}

// nameWarning says what a person should know when the name asks for a format that
// the bytes are not, "" when there is nothing to say.
func nameWarning(name string, format Format) string {
	if asked, promised := ByName(name); !promised || asked == format {
		return ""
	}
	return fmt.Sprintf("the name asks for %s, but the provider delivered a %s image; it keeps the asked name (write %s there to get the true extension)",
		path.Ext(name), format.title(), extensionMark)
}
