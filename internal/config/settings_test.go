package config

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	got, err := Load([]string{
		"PATH=/usr/bin", "SCENARIO_API_KEY=key", "SCENARIO_API_SECRET=a=b", "SCENARIO_API_URL=http://127.0.0.1:8090",
		"SCENARIO_PROJECT_ID=proj", "NIGHTSHIFT_OUT=/srv/art", "NIGHTSHIFT_REQUESTS_PER_MINUTE=60",
		"NIGHTSHIFT_PARALLEL=7", "NIGHTSHIFT_MAX_CU=12.5", "NIGHTSHIFT_SUBMIT_SLOTS=2", "NIGHTSHIFT_COLLECT_SLOTS=3",
		"NIGHTSHIFT_DRAIN=5s", "NIGHTSHIFT_GRACE=2m", "NIGHTSHIFT_LOG_LEVEL=warn", "NIGHTSHIFT_LOG_FORMAT=json",
		"NIGHTSHIFT_BUCKET=s3://art/nights", "NIGHTSHIFT_LISTEN=[::1]:80", "NIGHTSHIFT_WORKER=night-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{
		Key: "key", Secret: "a=b", URL: "http://127.0.0.1:8090", Project: "proj", Output: "/srv/art",
		RequestsPerMinute: 60, Parallel: 7, KeyBudget: "12.5", SubmitSlots: 2, CollectSlots: 3,
		Drain: 5 * time.Second, Grace: 2 * time.Minute, LogLevel: "warn", LogFormat: "json",
		Bucket: "s3://art/nights",
		Fleet:  "default", Listen: "[::1]:80", Worker: "night-1",
	}
	// Formatted with %+v, the secrets would be equal whatever they are.
	if got != want {
		t.Errorf("settings differ:\n%s", cmp.Diff(want, got))
	}
}

func TestKeyCap(t *testing.T) {
	t.Parallel()
	amount := func(cu job.CU) *job.CU { return &cu }
	for written, want := range map[string]*job.CU{"": nil, "  ": nil, "0": amount(0), "12.5": amount(12_500), " 300 ": amount(300_000)} {
		got, err := Settings{KeyBudget: written}.KeyCap()
		if err != nil {
			t.Errorf("%q is refused: %v", written, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("cap of %q differs (-want +got):\n%s", written, diff)
		}
	}
}

func TestLevel(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "WARN": slog.LevelWarn, "error": slog.LevelError,
	} {
		got, err := Settings{LogLevel: written}.Level(slog.LevelError)
		if err != nil || got != want {
			t.Errorf("level %q is %v, %v, want %v", written, got, err, want)
		}
	}
}

// TestLoadComplains gives one wrong value at a time.
func TestLoadComplains(t *testing.T) {
	t.Parallel()
	for _, assignment := range []string{
		"SCENARIO_API_URL=api.example.com", "SCENARIO_API_URL=ftp://127.0.0.1", "SCENARIO_API_URL=http://", "SCENARIO_API_URL=http://[",
		"NIGHTSHIFT_REQUESTS_PER_MINUTE=9", "NIGHTSHIFT_REQUESTS_PER_MINUTE=many", "NIGHTSHIFT_REQUESTS_PER_MINUTE=1.5",
		"NIGHTSHIFT_PARALLEL=-1", "NIGHTSHIFT_PARALLEL=x",
		"NIGHTSHIFT_MAX_CU=-1", "NIGHTSHIFT_MAX_CU=much", "NIGHTSHIFT_MAX_CU=1e400",
		"NIGHTSHIFT_SUBMIT_SLOTS=0", "NIGHTSHIFT_COLLECT_SLOTS=0", "NIGHTSHIFT_COLLECT_SLOTS=99999999999999999999",
		"NIGHTSHIFT_DRAIN=999ms", "NIGHTSHIFT_DRAIN=20", "NIGHTSHIFT_GRACE=0s", "NIGHTSHIFT_GRACE=-5s",
		"NIGHTSHIFT_LOG_LEVEL=loud",
	} {
		t.Run(assignment, func(t *testing.T) {
			t.Parallel()
			name, _, _ := strings.Cut(assignment, "=")
			_, err := Load([]string{assignment})
			if diff := cmp.Diff([]string{name}, complained(err)); diff != "" {
				t.Errorf("complaints differ (-want +got):\n%s\n%v", diff, err)
			}
		})
	}
}

// TestLoadComplainsAtOnce gives several wrong values; nobody should have to
// correct them one run after the other.
func TestLoadComplainsAtOnce(t *testing.T) {
	t.Parallel()
	for name, environ := range map[string][]string{
		"values out of range": {
			"SCENARIO_API_URL=nowhere", "NIGHTSHIFT_REQUESTS_PER_MINUTE=0", "NIGHTSHIFT_PARALLEL=-1",
			"NIGHTSHIFT_SUBMIT_SLOTS=0", "NIGHTSHIFT_COLLECT_SLOTS=-3", "NIGHTSHIFT_DRAIN=0s", "NIGHTSHIFT_GRACE=1ms",
			"NIGHTSHIFT_MAX_CU=lots", "NIGHTSHIFT_LOG_LEVEL=loud",
		},
		"values of another type": {
			"NIGHTSHIFT_REQUESTS_PER_MINUTE=a", "NIGHTSHIFT_PARALLEL=b", "NIGHTSHIFT_SUBMIT_SLOTS=c",
			"NIGHTSHIFT_COLLECT_SLOTS=d", "NIGHTSHIFT_DRAIN=e", "NIGHTSHIFT_GRACE=f",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []string
			for _, assignment := range environ {
				variable, _, _ := strings.Cut(assignment, "=")
				want = append(want, variable)
			}
			_, err := Load(environ)
			if diff := cmp.Diff(want, complained(err)); diff != "" {
				t.Errorf("complaints differ (-want +got):\n%s\n%v", diff, err)
			}
		})
	}
}

// complained returns how the lines of an error start, up to the first colon.
func complained(err error) []string {
	if err == nil {
		return nil
	}
	var names []string
	for line := range strings.Lines(err.Error()) {
		name, _, _ := strings.Cut(line, ":")
		names = append(names, name)
	}
	return names
}
