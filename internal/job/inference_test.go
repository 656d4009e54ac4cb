package job_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"nightshift/internal/job"
)

const (
	signedLink = job.Link("https://cdn.example.com/asset.png?Signature=s3cr3t&Expires=1")
	signature  = "s3cr3t"
)

// holders are the link by itself and wherever it may stand.
func holders() map[string]any {
	asset := job.Asset{ID: "asset_1", Link: signedLink, MIME: "image/png"}
	return map[string]any{
		"link":        signedLink,
		"pointer":     new(signedLink),
		"asset":       asset,
		"asset by &":  &asset,
		"list":        []job.Link{signedLink},
		"assets":      []job.Asset{asset},
		"map":         map[string]job.Link{"link": signedLink},
		"any":         []any{signedLink},
		"own struct":  struct{ Link job.Link }{signedLink},
		"deep struct": struct{ A struct{ B []job.Asset } }{struct{ B []job.Asset }{[]job.Asset{asset}}},
	}
}

func TestLinkHidesFromFmt(t *testing.T) {
	t.Parallel()
	for name, holder := range holders() {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if got := fmt.Sprintf(verb, holder); strings.Contains(got, signature) {
				t.Errorf("%s with %s prints %s", name, verb, got)
			}
		}
		if got := fmt.Sprint(holder) + fmt.Sprintln(holder); strings.Contains(got, signature) {
			t.Errorf("%s prints %s", name, got)
		}
		if got := fmt.Errorf("download %v: %w", holder, errors.ErrUnsupported).Error(); strings.Contains(got, signature) {
			t.Errorf("%s in an error is %s", name, got)
		}
	}
}

func TestLinkHidesFromLogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		log := slog.New(handler)
		for name, holder := range holders() {
			out.Reset()
			log.Info("asset read", "holder", holder, slog.Group("group", "holder", holder))
			log.With("holder", holder).Info("asset read")
			if got := out.String(); strings.Contains(got, signature) || !strings.Contains(got, "asset read") {
				t.Errorf("%s is logged by %T as %s", name, handler, got)
			}
		}
	}
}

func TestLinkHidesFromEncoders(t *testing.T) {
	t.Parallel()
	for name, holder := range holders() {
		data, err := json.Marshal(holder)
		if err != nil || bytes.Contains(data, []byte(signature)) {
			t.Errorf("%s as JSON is %s, %v", name, data, err)
		}
	}
	data, err := xml.Marshal(job.Asset{ID: "asset_1", Link: signedLink})
	if err != nil || bytes.Contains(data, []byte(signature)) {
		t.Errorf("an asset as XML is %s, %v", data, err)
	}
}

func TestLinkReveals(t *testing.T) {
	t.Parallel()
	if got := signedLink.Reveal(); !strings.Contains(got, signature) {
		t.Errorf("Reveal = %q", got)
	}
}

func TestEndedStatuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[job.RunStatus]bool{job.RunActive: false, job.RunSucceeded: true, job.RunFailed: true, job.RunCanceled: true} {
		if got := status.Ended(); got != want {
			t.Errorf("%s ended: %t", status, got)
		}
	}
}
