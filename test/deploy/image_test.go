//go:build linux

package deploy_test

import (
	"debug/elf"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func dockerfile(t *testing.T) string { return string(readTree(t, "deploy", "Dockerfile")) }

func TestImage(t *testing.T) {
	t.Parallel()
	text := dockerfile(t)
	stages := regexp.MustCompile(`(?m)^FROM (?:--platform=\S+ )?(\S+)`).FindAllStringSubmatch(text, -1)
	if len(stages) != 2 || !pinnedImage.MatchString(stages[0][1]) || stages[1][1] != "scratch" {
		t.Errorf("stages %q", stages)
	}
	if !regexp.MustCompile(`(?m)^USER [1-9]\d+:[1-9]\d+$`).MatchString(text) {
		t.Error("no user by number who is not root")
	}
	if !strings.Contains(text, "/etc/ssl/certs/ca-certificates.crt") {
		t.Error("no certificates of authorities")
	}
	secrets := composeService(t, "secrets").Image
	if stages[0][1] != secrets {
		t.Errorf("it is built with %s, and compose fetches %s beside it", stages[0][1], secrets)
	}
}

// TestImageGo builds with a Go that go.mod allows.
func TestImageGo(t *testing.T) {
	t.Parallel()
	module := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(readTree(t, "go.mod"))
	image := regexp.MustCompile(`golang:(\d+\.\d+)`).FindStringSubmatch(dockerfile(t))
	if module == nil || image == nil || image[1] != string(module[1]) {
		t.Errorf("the image builds with %q, go.mod wants %q", image, module)
	}
}

// buildCommand is the go build of the Dockerfile, as a shell runs it.
func buildCommand(t *testing.T) string {
	t.Helper()
	text := strings.ReplaceAll(dockerfile(t), "\\\n", " ")
	found := regexp.MustCompile(`(?m)^RUN .*?(CGO_ENABLED=.* go build .*)$`).FindStringSubmatch(text)
	if found == nil {
		t.Fatal("no go build in deploy/Dockerfile")
	}
	return found[1]
}

// copyContext copies what .dockerignore leaves of the repository.
func copyContext(t *testing.T, to string) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(string(readTree(t, ".dockerignore"))) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	if want := []string{"*", "!go.mod", "!go.sum", "!cmd", "!internal", "**/*_test.go", "**/testdata"}; !slices.Equal(lines, want) {
		t.Fatalf(".dockerignore says %q; this test copies what %q leaves", lines, want)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := os.WriteFile(filepath.Join(to, name), readTree(t, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{"cmd", "internal"} {
		for _, path := range filesUnder(t, inTree(folder)) {
			if strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata") {
				continue
			}
			inside, err := filepath.Rel(inTree(), path)
			if err != nil {
				t.Fatal(err)
			}
			copyFile(t, path, filepath.Join(to, inside), 0o600)
		}
	}
}

func copyFile(t *testing.T, from, to string, mode fs.FileMode) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, mode); err != nil {
		t.Fatal(err)
	}
}

// buildImage runs the build of the Dockerfile on what the build would see, and returns
// the folder that becomes the image's root.
func buildImage(t *testing.T) string {
	t.Helper()
	source, root := t.TempDir(), t.TempDir()
	copyContext(t, source)
	shell := exec.CommandContext(t.Context(), needed(t, "sh"), "-c", strings.ReplaceAll(buildCommand(t), "/out/", root+"/"))
	shell.Dir = source
	// An empty value means this machine's; the image's build fills them in.
	shell.Env = append(os.Environ(), "TARGETOS=", "TARGETARCH=")
	if said, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return root
}

// TestImagePrograms builds the programs as the image does. They must need nothing of
// a system, and run where there is nothing but them.
func TestImagePrograms(t *testing.T) {
	t.Parallel()
	root := buildImage(t)
	for _, name := range programs(t) {
		checkStatic(t, filepath.Join(root, name))
	}
	if err := os.Mkdir(filepath.Join(root, "tmp"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range programs(t) {
		t.Run(name, func(t *testing.T) {
			if said, err := inRoot(t, root, "/"+name, "--help"); err != nil {
				t.Errorf("%v: %s", err, said)
			}
		})
	}
	t.Run("time zones", func(t *testing.T) {
		window := `window: {hours: "22:00-06:00", timezone: Europe/Paris}` + "\n"
		text := append(readTree(t, "jobs", "quickstart.yaml"), []byte("\n"+window)...)
		if err := os.WriteFile(filepath.Join(root, "zoned.yaml"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		said, err := inRoot(t, root, "/enqueue", "plan", "/zoned.yaml")
		if err != nil || !strings.Contains(said, "Plan of quickstart") {
			t.Errorf("%v: %s", err, said)
		}
	})
}

// checkStatic complains of a program that asks for a loader or a library.
func checkStatic(t *testing.T, path string) {
	t.Helper()
	program, err := elf.Open(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer program.Close()
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP {
			t.Errorf("%s is loaded by another program", path)
		}
	}
	if libraries, err := program.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("%s needs %q", path, libraries)
	}
}

// TestImageBuilds builds the image and starts it, where a Docker engine answers.
func TestImageBuilds(t *testing.T) {
	t.Parallel()
	docker, err := exec.LookPath("docker")
	if err != nil {
		t.Skip(err)
	}
	if said, err := exec.CommandContext(t.Context(), docker, "info", "--format", "{{.ServerVersion}}").CombinedOutput(); err != nil {
		t.Skipf("no Docker engine: %s", said)
	}
	const tag = "nightshift:test"
	build := exec.CommandContext(t.Context(), docker, "build", "--file", inTree("deploy", "Dockerfile"), "--tag", tag, inTree())
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	for _, name := range programs(t) {
		run := exec.CommandContext(t.Context(), docker, "run", "--rm", "--read-only", "--cap-drop=ALL", tag, "/"+name, "--help")
		if said, err := run.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", name, err, said)
		}
	}
}

// inRoot runs a program in a folder as if that were the whole machine: a file system
// of its own and no environment, as in an image from scratch.
func inRoot(t *testing.T, root string, command ...string) (string, error) {
	t.Helper()
	program := exec.CommandContext(t.Context(), command[0], command[1:]...)
	program.Dir, program.Env = "/", []string{}
	program.SysProcAttr = &syscall.SysProcAttr{
		Chroot:      root,
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	said, err := program.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("this machine lets nobody have a root of their own: %v", err)
	}
	return string(said), err
}
