package deploy_test

import (
	"context"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightshift/internal/job"
	"nightshift/internal/telemetry"
)

const (
	alertsFile     = "../../deploy/alerts.yaml"
	alertTestsFile = "../../deploy/alerts_test.yaml"
	dashboardFile  = "../../deploy/grafana/nightshift.json"
	operationsFile = "../../docs/operations.md"
)

// told are the names of the series that a worker tells.
func told(t *testing.T) []string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	m := telemetry.New(registry, "1", telemetry.Lists{Operations: []string{"submit"}, KeyStates: []string{"ready"}})
	read := func(context.Context) (telemetry.Status, error) {
		return telemetry.Status{
			Bucket: telemetry.Yes, Recovering: telemetry.No,
			Lanes: []telemetry.Lane{{Name: "p/live", Waited: map[job.WaitReason]time.Duration{job.WaitStorage: time.Second}}},
			Keys:  []telemetry.Key{{ID: "k", State: "ready", Ceiling: 1}},
			Caps:  []telemetry.Cap{{Scope: "key", Name: "k", Period: "day", Limit: job.OneCU}},
		}, nil
	}
	m.Follow(t.Context(), read, testLogger(t))
	families, err := registry.Gather()
	if err != nil {
		t.Fatalf("gather: %v", err)
	}
	var names []string
	for _, family := range families {
		names = append(names, family.GetName())
		if family.GetType().String() == "HISTOGRAM" {
			names = append(names, family.GetName()+"_bucket", family.GetName()+"_sum", family.GetName()+"_count")
		}
	}
	return names
}

var (
	quoted     = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`)
	metricName = regexp.MustCompile(`\bnightshift_[a-zA-Z0-9_]+`)
)

// metricsOf are the names of our series in a PromQL expression; text in quotes is
// the value of a label.
func metricsOf(expr string) []string {
	return metricName.FindAllString(quoted.ReplaceAllString(expr, `""`), -1)
}

// checkExpressions fails for series that no worker tells, and for none at all.
func checkExpressions(t *testing.T, exprs map[string]string) {
	t.Helper()
	names := told(t)
	used := 0
	for where, expr := range exprs {
		for _, name := range metricsOf(expr) {
			used++
			if !slices.Contains(names, name) {
				t.Errorf("%s asks for %s, which no worker tells", where, name)
			}
		}
	}
	if used == 0 {
		t.Error("no expression asks for anything")
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
