package deploy_test

import (
	"net"
	"net/url"
	"path"
	"slices"
	"strconv"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"sigs.k8s.io/yaml"
)

// decode reads YAML into a struct and refuses fields that it lacks.
func decode[T any](t *testing.T, content []byte) T {
	t.Helper()
	var into T
	if err := yaml.UnmarshalStrict(content, &into); err != nil {
		t.Fatal(err)
	}
	return into
}

// mountedAt is where a service sees a file of the repository; empty where it does not.
func mountedAt(project *types.Project, service, file string) string {
	for _, volume := range project.Services[service].Volumes {
		if volume.Type == types.VolumeTypeBind && volume.Source == path.Join(project.WorkingDir, file) {
			return volume.Target
		}
	}
	return ""
}

// TestPrometheus holds prometheus.yaml against the services that it asks.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	type scrape struct {
		JobName string `json:"job_name"`
		DNS     []struct {
			Names   []string `json:"names"`
			Type    string   `json:"type"`
			Port    int      `json:"port"`
			Refresh string   `json:"refresh_interval"`
		} `json:"dns_sd_configs"`
		Static []struct {
			Targets []string `json:"targets"`
		} `json:"static_configs"`
	}
	got := decode[struct {
		Global    map[string]string `json:"global"`
		RuleFiles []string          `json:"rule_files"`
		Scrape    []scrape          `json:"scrape_configs"`
	}](t, readTree(t, "deploy", "prometheus", "prometheus.yaml"))

	project := composeProject(t)
	if want := mountedAt(project, "prometheus", "deploy/alerts.yaml"); want == "" || !slices.Equal(got.RuleFiles, []string{want}) {
		t.Errorf("rules are read from %q and mounted at %q", got.RuleFiles, want)
	}
	config := mountedAt(project, "prometheus", "deploy/prometheus/prometheus.yaml")
	if !slices.Contains(project.Services["prometheus"].Command, "--config.file="+config) {
		t.Errorf("the file is mounted at %q and not read from there", config)
	}
	at := slices.IndexFunc(got.Scrape, func(s scrape) bool { return s.JobName == "nightshift" })
	if at < 0 || len(got.Scrape[at].DNS) != 1 {
		t.Fatal("no job nightshift that asks by name")
	}
	dns := got.Scrape[at].DNS[0]
	_, port, err := net.SplitHostPort(*project.Services["worker"].Environment["NIGHTSHIFT_LISTEN"])
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(dns.Names, []string{"worker"}) || dns.Type != "A" || strconv.Itoa(dns.Port) != port {
		t.Errorf("asks %v for %s at port %d; workers listen on %s", dns.Names, dns.Type, dns.Port, port)
	}
}

// TestGrafana holds the provisioning files against the services and the mounts.
func TestGrafana(t *testing.T) {
	t.Parallel()
	project := composeProject(t)
	if got := mountedAt(project, "grafana", "deploy/grafana/provisioning"); got != "/etc/grafana/provisioning" {
		t.Errorf("provisioning is mounted at %q", got)
	}
	sources := decode[struct {
		Version     int `json:"apiVersion"`
		Datasources []struct {
			Name      string         `json:"name"`
			UID       string         `json:"uid"`
			Type      string         `json:"type"`
			Access    string         `json:"access"`
			URL       string         `json:"url"`
			IsDefault bool           `json:"isDefault"`
			Editable  bool           `json:"editable"`
			JSONData  map[string]any `json:"jsonData"`
		} `json:"datasources"`
	}](t, readTree(t, "deploy", "grafana", "provisioning", "datasources", "prometheus.yaml"))
	if len(sources.Datasources) != 1 {
		t.Fatalf("%d datasources", len(sources.Datasources))
	}
	source, err := url.Parse(sources.Datasources[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	ports := project.Services[source.Hostname()].Ports
	if len(ports) != 1 || strconv.Itoa(int(ports[0].Target)) != source.Port() {
		t.Errorf("no service answers at %s", source)
	}

	providers := decode[struct {
		Version   int `json:"apiVersion"`
		Providers []struct {
			Name            string            `json:"name"`
			Folder          string            `json:"folder"`
			Type            string            `json:"type"`
			DisableDeletion bool              `json:"disableDeletion"`
			AllowUpdates    bool              `json:"allowUiUpdates"`
			Interval        int               `json:"updateIntervalSeconds"`
			Options         map[string]string `json:"options"`
		} `json:"providers"`
	}](t, readTree(t, "deploy", "grafana", "provisioning", "dashboards", "nightshift.yaml"))
	if want := mountedAt(project, "grafana", "deploy/grafana"); len(providers.Providers) != 1 || providers.Providers[0].Options["path"] != want {
		t.Errorf("dashboards are mounted at %q and looked for in %v", want, providers.Providers)
	}
}
