package telemetry

import (
	"strings"
	"testing"
)

func TestHarmless(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"no address":        {"connection refused", "connection refused"},
		"password":          {"dial redis://:secret@host:6379/0: refused", "dial redis://host:6379 refused"},
		"password with @":   {"rediss://u:p@ss@host:1", "rediss://host:1"},
		"signed link":       {`Get "https://cdn.example/a.png?sig=secret": EOF`, `Get "https://cdn.example": EOF`},
		"query at the host": {"redis://host?password=secret", "redis://host"},
		"two":               {"a://x/1 and b://y/2", "a://x and b://y"},
		"long":              {strings.Repeat("ä", 200), strings.Repeat("ä", 150) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := harmless(test.text); got != test.want {
				t.Errorf("harmless(%q) = %q, want %q", test.text, got, test.want)
			}
		})
	}
}
