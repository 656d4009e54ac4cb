package scenario

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"nightshift/internal/job"
)

// FuzzReadError feeds the reader of refusals whatever a gateway may send.
func FuzzReadError(f *testing.F) {
	for _, refusal := range refusals {
		f.Add(refusal.status, refusal.body, refusal.header.Get("Retry-After"))
	}
	f.Add(429, `{"details": {"cooldownSeconds": 1e400, "actionLimit": -1e99}, "name": null}`, "Fri, 31 Dec 9999 23:59:59 GMT")
	f.Add(500, "\x00\x1b[31m\u202e<script>alert()</script>", "-1")
	f.Add(403, `null`, "NaN")
	f.Add(400, strings.Repeat("é", 2000), "Inf")
	clean := cleaner(testKey, testSecret)
	f.Fuzz(func(t *testing.T, status int, body, retryAfter string) {
		reply := &reply{status: status, body: []byte(body), header: http.Header{"Retry-After": {retryAfter}}}
		refusal := readRefusal(reply, clean)
		if refusal.words == "" || len(refusal.words) > 2*maxWords+20 || !utf8.ValidString(refusal.words) {
			t.Errorf("words of %d bytes: %q", len(refusal.words), refusal.words)
		}
		if strings.ContainsFunc(refusal.words, unicode.IsControl) || strings.Contains(refusal.words, testSecret) {
			t.Errorf("words are not fit to be shown: %q", refusal.words)
		}
		for _, err := range []error{refusal.toRun(), refusal.toRead()} {
			if err == nil || err.Error() == "" {
				t.Error("a refusal without an error")
			}
			limit, ok := errors.AsType[*job.LimitError](err)
			if !ok {
				continue
			}
			if limit.After < 0 || limit.After > maxCooldown || limit.Ceiling < 0 {
				t.Errorf("limit out of bounds: %+v", limit)
			}
			if limit.Limit == job.LimitCooldown && limit.After == 0 {
				t.Error("a cooldown of no length")
			}
		}
	})
}
