package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/job"
	"nightshift/internal/telemetry"
)

// lines are the JSON lines of a log, without the time.
func lines(t *testing.T, log *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(log.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		delete(fields, slog.TimeKey)
		all = append(all, fields)
	}
	return all
}

func TestRepeatedWarningsAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := telemetry.NewLogger(&out, telemetry.FormatJSON, slog.LevelInfo).With(telemetry.AttrComponent, "runner")
		refused := func(batch, id string) {
			log.Warn("submission refused, waiting", telemetry.AttrBatchID, batch, telemetry.AttrJobID, id)
		}
		refused("icons", "a")
		refused("icons", "b") // counted
		time.Sleep(29 * time.Second)
		refused("icons", "c") // counted
		refused("props", "d") // another batch
		time.Sleep(time.Second)
		refused("icons", "e") // says that two were left out
		time.Sleep(30 * time.Second)
		refused("icons", "f") // none was left out
		want := []map[string]any{
			refusal("icons", "a"), refusal("props", "d"), refusal("icons", "e"), refusal("icons", "f"),
		}
		want[2]["repeated"] = 2.0
		if diff := cmp.Diff(want, lines(t, &out)); diff != "" {
			t.Errorf("log differs (-want +got):\n%s", diff)
		}
	})
}

func refusal(batch, id string) map[string]any {
	return map[string]any{
		"level": "WARN", "msg": "submission refused, waiting", "component": "runner", "batch_id": batch, "job_id": id,
	}
}

func TestWhatIsNeverCounted(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, telemetry.FormatJSON, slog.LevelInfo)
	for range 3 {
		log.Error("task archived")
		log.Info("inference started")
		log.Debug("not of this level")
	}
	for _, component := range []string{"runner", "queue"} {
		log.With(telemetry.AttrComponent, component).Warn("trying again")
		log.With(telemetry.AttrBatchID, "icons").Warn("trying again", telemetry.AttrComponent, component)
	}
	if got := len(lines(t, &out)); got != 10 {
		t.Errorf("%d lines, want 3 errors, 3 infos and 4 different warnings:\n%s", got, &out)
	}
}

// What has the name of a batch or component inside a group is something else.
func TestGroupsHideNames(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, telemetry.FormatJSON, slog.LevelInfo)
	log.WithGroup("reply").Warn("odd", telemetry.AttrBatchID, "a")
	log.WithGroup("reply").Warn("odd", telemetry.AttrBatchID, "b")
	if got := len(lines(t, &out)); got != 1 {
		t.Errorf("%d lines, want 1:\n%s", got, &out)
	}
}

// Who follows one job asks for everything.
func TestDebugCountsNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := telemetry.NewLogger(&out, telemetry.FormatJSON, slog.LevelDebug)
	for range 3 {
		log.Warn("job failed")
	}
	if got := len(lines(t, &out)); got != 3 {
		t.Errorf("%d lines, want 3", got)
	}
}

func TestManyWarnAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := telemetry.NewLogger(&out, telemetry.FormatJSON, slog.LevelInfo)
		var writers sync.WaitGroup
		for range 50 {
			writers.Go(func() { log.Warn("job list not read, trying again") })
		}
		writers.Wait()
		time.Sleep(time.Minute)
		log.Warn("job list not read, trying again")
		got := lines(t, &out)
		if len(got) != 2 || got[1]["repeated"] != 49.0 {
			t.Errorf("want one line, and one that counts 49:\n%s", &out)
		}
	})
}

func TestFormats(t *testing.T) {
	t.Parallel()
	attrs := []any{
		telemetry.AttrCU, job.CU(10_750), telemetry.AttrAfter, 90 * time.Second,
		telemetry.AttrErr, errors.New("read: EOF"), "link", job.Link("https://cdn.example/?sig=secret"),
	}
	for format, want := range map[string]string{
		telemetry.FormatText: `msg="job stored" cu=10.75 after=1m30s err="read: EOF" link="[signed link]"`,
		telemetry.FormatJSON: `"msg":"job stored","cu":10.75,"after":"1m30s","err":"read: EOF","link":"[signed link]"}`,
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			telemetry.NewLogger(&out, format, slog.LevelInfo).Info("job stored", attrs...)
			if !strings.HasSuffix(strings.TrimSpace(out.String()), want) {
				t.Errorf("line %s does not end in %s", &out, want)
			}
		})
	}
}

// A log shows of a link neither who may follow it nor its signature.
func TestLogsHideSecretsOfLinks(t *testing.T) {
	t.Parallel()
	for _, format := range []string{telemetry.FormatJSON, telemetry.FormatText} {
		var out bytes.Buffer
		log := telemetry.NewLogger(&out, format, slog.LevelInfo)
		log.Warn("refused", "err", errors.New("get https://me:S3CRET@host/a?sig=S3CRET: no"), "link", "ftp://me:S3CRET@host/x")
		if said := out.String(); strings.Contains(said, "S3CRET") || !strings.Contains(said, "https://host/a: no") || !strings.Contains(said, "ftp://host/x") {
			t.Errorf("%s: %s", format, said)
		}
	}
}
