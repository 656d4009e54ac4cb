package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// composeProject reads docker-compose.yml as docker compose does, with nothing set in
// the environment and all profiles. Unknown fields, undeclared volumes and missing
// variables fail.
func composeProject(t *testing.T) *types.Project {
	t.Helper()
	folder, err := filepath.Abs(inTree())
	if err != nil {
		t.Fatal(err)
	}
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  folder,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(folder, "docker-compose.yml")}},
		Environment: types.Mapping{},
	}, loader.WithProfiles([]string{"*"}))
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func composeService(t *testing.T, name string) types.ServiceConfig {
	t.Helper()
	service, err := composeProject(t).GetService(name)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// isOneShot tells whether a service ends by itself.
func isOneShot(service types.ServiceConfig) bool { return service.Restart == types.RestartPolicyNo }

// pinnedImage ends in a version of at least two numbers.
var pinnedImage = regexp.MustCompile(`^[a-z0-9./-]+:v?\d+\.\d+[\w.-]*$`)

// ofService are the rules that every service keeps; each returns what is wrong.
var ofService = map[string]func(types.ServiceConfig) string{
	"image": func(s types.ServiceConfig) string {
		if s.Build == nil && !pinnedImage.MatchString(s.Image) {
			return "image " + s.Image + " is not pinned to a version"
		}
		return ""
	},
	"restart": func(s types.ServiceConfig) string {
		if !isOneShot(s) && s.Restart != types.RestartPolicyUnlessStopped {
			return "restart is " + s.Restart
		}
		return ""
	},
	"health": func(s types.ServiceConfig) string {
		if !isOneShot(s) && (s.HealthCheck == nil || s.HealthCheck.Disable || len(s.HealthCheck.Test) < 2) {
			return "no health check"
		}
		return ""
	},
	"stop": func(s types.ServiceConfig) string {
		if !isOneShot(s) && (s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) <= 10*time.Second) {
			return "stop_grace_period is not above the default"
		}
		return ""
	},
	"read-only": func(s types.ServiceConfig) string {
		if !s.ReadOnly || s.Privileged {
			return "the root file system can be written"
		}
		return ""
	},
	"capabilities": func(s types.ServiceConfig) string {
		if !slices.Equal(s.CapDrop, []string{"ALL"}) || len(s.CapAdd) > 0 || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			return "keeps or can gain capabilities"
		}
		return ""
	},
	"ports": func(s types.ServiceConfig) string {
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				return "port " + port.Published + " is open to other machines"
			}
		}
		return ""
	},
	"logs": func(s types.ServiceConfig) string {
		if s.Logging == nil || s.Logging.Options["max-size"] == "" {
			return "its log grows without end"
		}
		return ""
	},
}

func TestComposeServices(t *testing.T) {
	t.Parallel()
	for name, service := range composeProject(t).Services {
		for rule, complaint := range ofService {
			if wrong := complaint(service); wrong != "" {
				t.Errorf("%s: %s: %s", name, rule, wrong)
			}
		}
	}
}

// TestComposeRulesCanFail gives every rule a service that breaks it.
func TestComposeRulesCanFail(t *testing.T) {
	t.Parallel()
	bad := composeService(t, "worker")
	bad.Build, bad.Image, bad.Restart, bad.HealthCheck, bad.StopGracePeriod = nil, "redis:latest", "always", nil, nil
	bad.ReadOnly, bad.CapDrop, bad.Logging = false, nil, nil
	bad.Ports = []types.ServicePortConfig{{HostIP: "0.0.0.0", Published: "1"}}
	for rule, complaint := range ofService {
		if complaint(bad) == "" {
			t.Errorf("rule %s does not see a bad service", rule)
		}
	}
}

// TestComposeDependencies asks for a condition that can come true.
func TestComposeDependencies(t *testing.T) {
	t.Parallel()
	project := composeProject(t)
	for name, service := range project.Services {
		for on, dependency := range service.DependsOn {
			want := types.ServiceConditionHealthy
			if isOneShot(project.Services[on]) {
				want = types.ServiceConditionCompletedSuccessfully
			}
			if dependency.Condition != want {
				t.Errorf("%s waits for %s to be %s, want %s", name, on, dependency.Condition, want)
			}
		}
	}
}

func TestComposeMounts(t *testing.T) {
	t.Parallel()
	project := composeProject(t)
	for name, service := range project.Services {
		for _, volume := range service.Volumes {
			if volume.Source == "" && volume.Target == "/tmp" {
				continue // one for each container
			}
			if volume.Type != types.VolumeTypeBind {
				if _, declared := project.Volumes[volume.Source]; !declared {
					t.Errorf("%s: volume %q at %s is not declared", name, volume.Source, volume.Target)
				}
				continue
			}
			relative, err := filepath.Rel(project.WorkingDir, volume.Source)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(volume.Source); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !volume.ReadOnly || volume.Bind == nil || bool(volume.Bind.CreateHostPath) {
				t.Errorf("%s: %s can be written, or would be made as a folder of root", name, relative)
			}
		}
	}
}

func TestComposeWorkers(t *testing.T) {
	t.Parallel()
	worker := composeService(t, "worker")
	if worker.Deploy == nil || worker.Deploy.Replicas == nil || *worker.Deploy.Replicas != 2 {
		t.Error("there are not two workers")
	}
	if len(worker.Ports) > 0 {
		t.Error("a worker publishes a port, which a second one cannot")
	}
	drain := drainTime(t, *worker.Environment["NIGHTSHIFT_DRAIN"])
	if grace := time.Duration(*worker.StopGracePeriod); grace <= drain {
		t.Errorf("a worker is killed after %s, and may take %s to stop", grace, drain)
	}
}

func TestComposeVariables(t *testing.T) {
	t.Parallel()
	for name, service := range composeProject(t).Services {
		if service.Build == nil {
			continue
		}
		variables := make(map[string]string)
		for variable, value := range service.Environment {
			if value == nil {
				t.Errorf("%s: %s has no value", name, variable)
				continue
			}
			variables[variable] = *value
		}
		checkVariables(t, variables)
	}
}

// TestComposePrograms looks for the program that each service of our image starts,
// and for the file that the manual submits.
func TestComposePrograms(t *testing.T) {
	t.Parallel()
	known := programs(t)
	for name, service := range composeProject(t).Services {
		if service.Build == nil {
			continue
		}
		started := slices.Concat([]string(service.Entrypoint), []string(service.Command))[0]
		if program := strings.TrimPrefix(started, "/"); !slices.Contains(known, program) {
			t.Errorf("%s starts %s, which the image lacks", name, started)
		}
	}
	enqueue := composeService(t, "enqueue")
	if enqueue.WorkingDir != "/" || enqueue.Volumes[1].Target != "/jobs" || enqueue.Volumes[1].Source != filepath.Join(composeProject(t).WorkingDir, "jobs") {
		t.Error("enqueue does not find jobs/quickstart.yaml under the name that it has outside")
	}
	if _, started := enqueue.DependsOn["worker"]; started || len(enqueue.Profiles) == 0 {
		t.Error("enqueue starts with the others")
	}
}
