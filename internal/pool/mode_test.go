package pool

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/job"
)

// TestModesNeverMix connects batches with what a machine may have set.
func TestModesNeverMix(t *testing.T) {
	t.Parallel()
	const sim, live = "http://127.0.0.1:8090/v1", "https://API.cloud.scenario.com/v1"
	const liveKeys = "version: 1\npools:\n  default:\n    - {id: studio, mode: live, key: {env: STUDIO_KEY}, secret: {env: STUDIO_SECRET}}\n"
	tests := map[string]struct {
		mode             job.Mode
		url, key, secret string
		keysFile         string
		refused          string // "" if it may connect
	}{
		"test, built in":                       {mode: job.Test, key: "k", secret: "s"},
		"test, a simulator":                    {mode: job.Test, url: sim, key: "sim", secret: "sim"},
		"test, the live address":               {mode: job.Test, url: live, key: "k", secret: "s", refused: "leads to the live API at API.cloud.scenario.com"},
		"test, live keys in the file":          {mode: job.Test, keysFile: liveKeys},
		"test, another key beside live ones":   {mode: job.Test, url: sim, key: "k", secret: "s", keysFile: liveKeys},
		"test, a live key of the file":         {mode: job.Test, url: sim, key: "studio-key", secret: "s", keysFile: liveKeys, refused: "is the live API key studio"},
		"test, live keys and the live address": {mode: job.Test, url: live, key: "k", secret: "s", keysFile: liveKeys, refused: "leads to the live API"},
		"live":                                 {mode: job.Live, key: "k", secret: "s"},
		"live, named":                          {mode: job.Live, url: live, key: "k", secret: "s"},
		"live, the simulator's words":          {mode: job.Live, key: "sim", secret: "sim", refused: "is that of the simulator"},
		"live, the simulator's words, named":   {mode: job.Live, url: live, key: "sim", secret: "sim", refused: "is that of the simulator"},
		"live, without a key":                  {mode: job.Live, refused: "SCENARIO_API_KEY: not set"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := config.Settings{URL: test.url, Key: config.Secret(test.key), Secret: config.Secret(test.secret)}
			if test.keysFile != "" {
				s.KeysFile = filepath.Join(t.TempDir(), "keys.yaml")
				if err := os.WriteFile(s.KeysFile, []byte(test.keysFile), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			nothing := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("a request was sent") })
			p := app.Process{Environ: []string{"STUDIO_KEY=studio-key", "STUDIO_SECRET=studio-secret"}, Transport: nothing}
			a, err := Connect(p, s, test.mode, "")
			if err == nil {
				defer a.Keys.Close()
			}
			_, input := errors.AsType[*job.InputError](err)
			switch {
			case test.refused == "" && err != nil:
				t.Errorf("it was refused: %v", err)
			case test.refused != "" && (err == nil || !input || !strings.Contains(err.Error(), test.refused)):
				t.Errorf("error %v, want one of input that says %q", err, test.refused)
			}
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
