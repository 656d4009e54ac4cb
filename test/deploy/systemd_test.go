package deploy_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// unit holds the values of each setting of a unit file, by section and name.
type unit map[string][]string

// readUnit reads a unit file of deploy/systemd.
func readUnit(t *testing.T, name string) unit {
	t.Helper()
	settings, section := unit{}, ""
	for line := range strings.Lines(string(readTree(t, "deploy", "systemd", name))) {
		line = strings.TrimSpace(line)
		key, value, isSetting := strings.Cut(line, "=")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
		case isSetting:
			settings[section+"."+key] = append(settings[section+"."+key], value)
		default:
			t.Fatalf("%s: %q is no setting", name, line)
		}
	}
	return settings
}

// one is the value of a setting that stands there once.
func (u unit) one(t *testing.T, name string) string {
	t.Helper()
	if len(u[name]) != 1 {
		t.Fatalf("%s stands there %d times", name, len(u[name]))
	}
	return u[name][0]
}

var serviceUnits = []string{"nightshift-worker.service", "nightshift-submit@.service"}

// environmentExample is the file that the units call /etc/nightshift/nightshift.env.
func environmentExample(t *testing.T) map[string]string {
	t.Helper()
	variables := map[string]string{}
	for line := range strings.Lines(string(readTree(t, "deploy", "systemd", "nightshift.env.example"))) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "#"), "=")
		if ok && !strings.Contains(name, " ") {
			variables[name] = value // also what is only proposed, behind a #
		}
	}
	return variables
}

func TestSystemdVariables(t *testing.T) {
	t.Parallel()
	for _, name := range serviceUnits {
		variables := environmentExample(t)
		if len(variables) < 6 {
			t.Fatalf("the example has %d variables", len(variables))
		}
		for _, assignment := range readUnit(t, name)["Service.Environment"] {
			variable, value, _ := strings.Cut(assignment, "=")
			if _, twice := variables[variable]; twice {
				t.Errorf("%s: %s is set by the unit and by the example", name, variable)
			}
			variables[variable] = value
		}
		checkVariables(t, variables)
	}
}

func TestSystemdServices(t *testing.T) {
	t.Parallel()
	hardening := map[string]string{
		"DynamicUser": "yes", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
		"PrivateDevices": "yes", "CapabilityBoundingSet": "", "RestrictNamespaces": "yes", "MemoryDenyWriteExecute": "yes", "Restart": "on-failure",
		"RestartPreventExitStatus": "2", "EnvironmentFile": "/etc/nightshift/nightshift.env", "MemoryMax": "256M",
	}
	for _, name := range serviceUnits {
		service := readUnit(t, name)
		for setting, want := range hardening {
			if got := service.one(t, "Service."+setting); got != want {
				t.Errorf("%s: %s is %q, want %q", name, setting, got, want)
			}
		}
		program, _, _ := strings.Cut(strings.TrimPrefix(service.one(t, "Service.ExecStart"), "/usr/local/bin/"), " ")
		if !slices.Contains(programs(t), program) {
			t.Errorf("%s starts %q, which is no program of ours", name, program)
		}
	}
}

// TestSystemdCredentials holds the paths in the environment against the credentials
// that are loaded.
func TestSystemdCredentials(t *testing.T) {
	t.Parallel()
	for _, name := range serviceUnits {
		service := readUnit(t, name)
		want := []string{"keys.yaml:/etc/nightshift/keys.yaml", "secret:/etc/nightshift/secrets"}
		if got := service["Service.LoadCredential"]; !slices.Equal(got, want) {
			t.Errorf("%s loads %q, want %q", name, got, want)
		}
		for _, assignment := range []string{"NIGHTSHIFT_KEYS=%d/keys.yaml", "AWS_SHARED_CREDENTIALS_FILE=%d/secret_aws"} {
			if !slices.Contains(service["Service.Environment"], assignment) {
				t.Errorf("%s lacks %s", name, assignment)
			}
		}
	}
}

func TestSystemdStop(t *testing.T) {
	t.Parallel()
	drain := drainTime(t, environmentExample(t)["NIGHTSHIFT_DRAIN"])
	if stop := duration(t, readUnit(t, serviceUnits[0]).one(t, "Service.TimeoutStopSec")); stop <= drain {
		t.Errorf("a worker is killed after %s, and may take %s to stop", stop, drain)
	}
}

var anyProgram = regexp.MustCompile(`(?m)^ExecStart=\S+`)

// installUnits copies the units to a folder, with programs that exist on any machine,
// since systemd-analyze looks for them.
func installUnits(t *testing.T) []string {
	t.Helper()
	folder := t.TempDir()
	var paths []string
	for _, path := range filesUnder(t, inTree("deploy", "systemd")) {
		if extension := filepath.Ext(path); extension != ".service" && extension != ".timer" {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		installed := filepath.Join(folder, filepath.Base(path))
		if err := os.WriteFile(installed, anyProgram.ReplaceAll(content, []byte("ExecStart=/bin/sh")), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, installed)
	}
	return paths
}

// analyze runs systemd-analyze, where systemd of the least version that the units
// need is installed.
func analyze(t *testing.T, args ...string) (string, error) {
	t.Helper()
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip(err)
	}
	banner, err := exec.CommandContext(t.Context(), program, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if fields := bytes.Fields(banner); len(fields) > 1 {
		if version, err := strconv.Atoi(string(fields[1])); err == nil && version < 252 {
			t.Skipf("systemd %d is too old", version)
		}
	}
	said, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	return string(said), err
}

// TestSystemdVerifies wants no word of complaint: systemd only warns of settings that
// it does not know.
func TestSystemdVerifies(t *testing.T) {
	t.Parallel()
	units := installUnits(t)
	if len(units) != 3 {
		t.Fatalf("%d units", len(units))
	}
	if said, err := analyze(t, append([]string{"verify", "--man=no"}, units...)...); err != nil || strings.TrimSpace(said) != "" {
		t.Errorf("%v: %s", err, said)
	}
}

// TestSystemdExposure lets systemd judge the services: 2.0 or less of 10.
func TestSystemdExposure(t *testing.T) {
	t.Parallel()
	for _, path := range installUnits(t) {
		if filepath.Ext(path) != ".service" {
			continue
		}
		if said, err := analyze(t, "security", "--offline=yes", "--threshold=20", path); err != nil {
			t.Errorf("%s: %v:\n%s", filepath.Base(path), err, said)
		}
	}
}
