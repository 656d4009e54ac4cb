package deploy_test

import (
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"nightshift/internal/telemetry/promtool"
)

func testLogger(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

type ruleFile struct {
	Groups []struct {
		Name  string `json:"name"`
		Rules []rule `json:"rules"`
	} `json:"groups"`
}

type rule struct {
	Alert  string `json:"alert"`
	Expr   string `json:"expr"`
	For    string `json:"for"`
	Labels struct {
		Severity string `json:"severity"`
	} `json:"labels"`
	Annotations struct {
		Summary     string `json:"summary"`
		Description string `json:"description"`
		Runbook     string `json:"runbook"`
	} `json:"annotations"`
}

func rules(t *testing.T) []rule {
	t.Helper()
	var file ruleFile
	if err := yaml.UnmarshalStrict(read(t, alertsFile), &file); err != nil {
		t.Fatalf("read %s: %v", alertsFile, err)
	}
	var all []rule
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	if len(all) == 0 {
		t.Fatalf("%s has no rules", alertsFile)
	}
	return all
}

func TestAlertsAskForWhatIsTold(t *testing.T) {
	t.Parallel()
	exprs := make(map[string]string)
	for _, r := range rules(t) {
		exprs[r.Alert] = r.Expr
	}
	checkExpressions(t, exprs)
}

// Whoever is woken by an alert reads what it means and where to go on.
func TestAlertsSayWhatToDo(t *testing.T) {
	t.Parallel()
	tests := string(read(t, alertTestsFile))
	for _, r := range rules(t) {
		if r.Annotations.Summary == "" || len(r.Annotations.Description) < 80 {
			t.Errorf("%s does not say what it means and what to do", r.Alert)
		}
		if !strings.HasPrefix(r.Annotations.Runbook, "docs/operations.md#") {
			t.Errorf("%s has runbook %q, want an anchor in docs/operations.md", r.Alert, r.Annotations.Runbook)
		}
		if !slices.Contains([]string{"critical", "warning"}, r.Labels.Severity) {
			t.Errorf("%s has severity %q", r.Alert, r.Labels.Severity)
		}
		if wait, err := time.ParseDuration(r.For); err != nil || wait < time.Minute || wait > time.Hour {
			t.Errorf("%s waits %q, want a minute to an hour", r.Alert, r.For)
		}
		if !strings.Contains(tests, r.Alert) {
			t.Errorf("%s is not tested in %s", r.Alert, alertTestsFile)
		}
	}
}

var heading = regexp.MustCompile(`(?m)^#+ (.+)$`)

// Each runbook anchor is a heading of docs/operations.md.
func TestRunbooksAreThere(t *testing.T) {
	t.Parallel()
	var anchors []string
	for _, match := range heading.FindAllStringSubmatch(string(read(t, operationsFile)), -1) {
		anchors = append(anchors, anchorOf(match[1]))
	}
	for _, r := range rules(t) {
		if _, anchor, _ := strings.Cut(r.Annotations.Runbook, "#"); !slices.Contains(anchors, anchor) {
			t.Errorf("%s leads to %s, which is no heading there", r.Alert, r.Annotations.Runbook)
		}
	}
}

var notInAnchors = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// anchorOf is the anchor that Git forges give to a heading.
func anchorOf(text string) string {
	return strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(text), ""), " ", "-")
}

func TestPromtoolAcceptsAlerts(t *testing.T) {
	t.Parallel()
	promtool.Run(t, "", "check", "rules", alertsFile)
}

func TestAlertsFireAsTheyShould(t *testing.T) {
	t.Parallel()
	promtool.Run(t, "", "test", "rules", alertTestsFile)
}
