package deploy_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"nightshift/internal/job"
	"nightshift/internal/telemetry/promtool"
)

// dashboard is what must be right for Grafana to show something; the rest is looks.
type dashboard struct {
	UID           string  `json:"uid"`
	Title         string  `json:"title"`
	SchemaVersion int     `json:"schemaVersion"`
	Panels        []panel `json:"panels"`
	Templating    struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Annotations struct {
		List []struct {
			Name string `json:"name"`
			Expr string `json:"expr"`
		} `json:"list"`
	} `json:"annotations"`
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// variable has a datasource unless it is one itself; what its query looks like
// depends on that.
type variable struct {
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Query      json.RawMessage `json:"query"`
	Definition string          `json:"definition"`
	Datasource *datasource     `json:"datasource"`
}

type panel struct {
	ID         int        `json:"id"`
	Type       string     `json:"type"`
	Title      string     `json:"title"`
	Datasource datasource `json:"datasource"`
	GridPos    struct {
		X int `json:"x"`
		Y int `json:"y"`
		W int `json:"w"`
		H int `json:"h"`
	} `json:"gridPos"`
	Targets []struct {
		RefID      string     `json:"refId"`
		Expr       string     `json:"expr"`
		Datasource datasource `json:"datasource"`
	} `json:"targets"`
	FieldConfig struct {
		Defaults struct {
			Mappings []struct {
				Options map[string]struct {
					Text string `json:"text"`
				} `json:"options"`
			} `json:"mappings"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
}

func board(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal(read(t, dashboardFile), &d); err != nil {
		t.Fatalf("read %s: %v", dashboardFile, err)
	}
	return d
}

func TestDashboardAsksForWhatIsTold(t *testing.T) {
	t.Parallel()
	exprs := make(map[string]string)
	d := board(t)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			exprs[fmt.Sprintf("panel %q, query %s", p.Title, target.RefID)] = target.Expr
		}
	}
	for _, v := range d.Templating.List {
		exprs["variable "+v.Name] = v.Definition
	}
	checkExpressions(t, exprs)
}

// Whatever Prometheus is called in a Grafana, the dashboard finds it.
func TestDashboardTakesItsDatasourceFromAVariable(t *testing.T) {
	t.Parallel()
	d := board(t)
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 39 {
		t.Errorf("dashboard %q %q has schema %d, want names and at least 39", d.UID, d.Title, d.SchemaVersion)
	}
	if first := d.Templating.List[0]; first.Type != "datasource" || string(first.Query) != `"prometheus"` {
		t.Errorf("the first variable is %s of %s, want the datasource", first.Type, first.Query)
	}
	ours := datasource{Type: "prometheus", UID: "${" + d.Templating.List[0].Name + "}"}
	for _, v := range d.Templating.List[1:] {
		if v.Datasource == nil || *v.Datasource != ours {
			t.Errorf("variable %s asks %v", v.Name, v.Datasource)
		}
	}
	for _, p := range d.Panels {
		if p.Type != "row" && (p.Datasource != ours || len(p.Targets) == 0) {
			t.Errorf("panel %q has %d queries to %v", p.Title, len(p.Targets), p.Datasource)
		}
		for _, target := range p.Targets {
			if target.Datasource != ours || target.Expr == "" {
				t.Errorf("panel %q asks %v for %q", p.Title, target.Datasource, target.Expr)
			}
		}
	}
}

func TestDashboardPanelsHaveTheirOwnPlace(t *testing.T) {
	t.Parallel()
	const columns = 24
	panels := board(t).Panels
	taken := make(map[[2]int]string)
	ids := make(map[int]bool)
	for _, p := range panels {
		if ids[p.ID] {
			t.Errorf("panel %q has the number %d of another", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.GridPos.W < 1 || p.GridPos.H < 1 || p.GridPos.X < 0 || p.GridPos.X+p.GridPos.W > columns {
			t.Errorf("panel %q stands beyond the edge", p.Title)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if before, full := taken[cell]; full && before != p.Title {
					t.Fatalf("panel %q stands on %q", p.Title, before)
				}
				taken[cell] = p.Title
			}
		}
	}
}

// A reason that the timeline does not know would look as if the lane went on.
func TestTimelineKnowsEveryReason(t *testing.T) {
	t.Parallel()
	panels := board(t).Panels
	at := slices.IndexFunc(panels, func(p panel) bool { return p.Title == "What each lane waits for" })
	if at < 0 || panels[at].Type != "state-timeline" {
		t.Fatal("no state timeline of what each lane waits for")
	}
	timeline := panels[at]
	texts := timeline.FieldConfig.Defaults.Mappings[0].Options
	for _, reason := range append(slices.Clone(job.WaitReasons), "other") {
		before, _, found := strings.Cut(timeline.Targets[0].Expr, fmt.Sprintf(" * nightshift_lane_blocked_by{lane=~%q, reason=%q}", "$lane", reason))
		code := before[strings.LastIndexAny(before, " \n")+1:]
		if !found || texts[code].Text == "" {
			t.Errorf("the timeline does not know %q", reason)
		}
	}
}

// Prometheus reads every query of the dashboard, once Grafana has put the values of
// its variables in.
func TestPromtoolAcceptsQueries(t *testing.T) {
	t.Parallel()
	values := strings.NewReplacer("$__rate_interval", "5m", "$__range", "12h", "$lane", ".*")
	type recorded struct {
		Record string `json:"record"`
		Expr   string `json:"expr"`
	}
	var queries []recorded
	for _, p := range board(t).Panels {
		for _, target := range p.Targets {
			name := fmt.Sprintf("panel%d:%s", p.ID, target.RefID)
			queries = append(queries, recorded{Record: name, Expr: values.Replace(target.Expr)})
		}
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": queries}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "queries.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool.Run(t, "", "check", "rules", file)
}
