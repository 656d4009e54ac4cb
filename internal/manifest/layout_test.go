package manifest_test

import (
	"strings"
	"testing"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
)

func TestLayout(t *testing.T) {
	t.Parallel()
	values := map[string]string{"id": "axe", "n": "2", "ext": "png", "kind": "A big/bad axe..", "odd": "***", "up": ".."}
	lookup := func(name string) (string, bool) { value, ok := values[name]; return value, ok }
	for layout, want := range map[string]string{
		"{id}-{n}.{ext}":                        "axe-2.png",
		"{kind}/{id}/{n}.{ext}":                 "A-big-bad-axe/axe/2.png",
		"icons/{ id }@2x.{ext}":                 "icons/axe@2x.png",
		"{id}.jpg":                              "axe.jpg",
		"":                                      "error: the name must be a path within the folder",
		"/{id}.{ext}":                           "error: the name must be a path within the folder",
		"../{id}.{ext}":                         "error: the name leaves the folder with ..",
		"a/../../{id}.{ext}":                    "error: the name leaves the folder with ..",
		"{up}/{id}.{ext}":                       "error: {up} leaves nothing for a file name",
		"{odd}/{id}.{ext}":                      "error: {odd} leaves nothing for a file name",
		"{knd}/{id}.{ext}":                      "error: unknown variable {knd}; did you mean {kind}?",
		"{id":                                   "error: a single { stands alone",
		"{id}{{x}}.{ext}":                       "error: the name cannot hold braces themselves",
		`a\{id}.{ext}`:                          `error: the name holds \`,
		"a b/{id}.{ext}":                        "error: the name holds the character ' '",
		"{id}":                                  `error: the name "axe" does not end in an image extension`,
		".hidden/{id}.{ext}":                    `error: the name has the hidden name ".hidden"`,
		"con/{id}.{ext}":                        `error: the name has the name "con", which Windows keeps for a device`,
		strings.Repeat("a", 201) + "{id}.{ext}": "error: the name has a name of",
	} {
		got := ""
		parsed, err := manifest.ParseLayout(layout)
		if err == nil {
			got, err = parsed.Name(lookup, []string{"id", "n", "ext", "kind"})
		}
		if err != nil {
			got = "error: " + err.Error()
			if hint := job.Hint(err); strings.HasPrefix(hint, "did you mean") {
				got += "; " + hint
			} else if hint == "" {
				t.Errorf("%q: %v has no hint", layout, err)
			}
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%q gives %q, want %q", layout, got, want)
		}
	}
}
