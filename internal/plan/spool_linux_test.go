package plan_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/plan"
)

// manifestVariable tells a process of this binary that it is the one that a test has
// started, and what it is to plan.
const manifestVariable = "NIGHTSHIFT_PLAN_TEST_MANIFEST"

// inProcess is a process that runs a test with a manifest of many rows and a temporary
// folder of its own.
func inProcess(t *testing.T, test, folder string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), manifestVariable+"="+open(t, "m.jsonl", rows(3000)).Path, "TMPDIR="+folder)
	cmd.Stderr = t.Output()
	return cmd
}

// opens watches a file and tells how often it was opened since.
func opens(t *testing.T, path string) (count func() int) {
	t.Helper()
	watch, err := syscall.InotifyInit1(syscall.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := syscall.InotifyAddWatch(watch, path, syscall.IN_OPEN); err != nil {
		t.Fatal(err)
	}
	return func() (n int) {
		defer syscall.Close(watch)
		events := make([]byte, 64<<10)
		size, err := syscall.Read(watch, events)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < size; n++ {
			at += syscall.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[at+12:]))
		}
		return n
	}
}

// TestManifestIsReadOnce counts how often it is opened, for the rows, the names that
// look alike, the prices and the plan.
func TestManifestIsReadOnce(t *testing.T) {
	t.Parallel()
	sound := open(t, "m.jsonl", rows(3000))
	count := opens(t, sound.Path)
	p := mustMake(t, plan.Options{Manifest: sound, Catalog: newCatalog(t)})
	for range 2 { // the plan can be read again
		if len(all(t, p)) != 3000 {
			t.Error("the plan lacks jobs")
		}
	}
	if n := count(); n != 1 {
		t.Errorf("the manifest was opened %d times", n)
	}
	alike := open(t, "m.jsonl", rows(3000)+rows(1))
	count = opens(t, alike.Path)
	if got := complaints(t, alike, newCatalog(t)); !strings.Contains(got, `m.jsonl:3001:1: output "r0/1.{ext}" is also written by m.jsonl:1:1`) {
		t.Errorf("complaints:\n%s", got)
	}
	if n := count(); n != 1 {
		t.Errorf("a manifest of names that collide was opened %d times", n)
	}
}

// TestTemporaryFileEndsWithItsProcess kills a process in the midst of a plan.
func TestTemporaryFileEndsWithItsProcess(t *testing.T) {
	if path := os.Getenv(manifestVariable); path != "" {
		planAndHang(t, path)
		return
	}
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			cmd := inProcess(t, "TestTemporaryFileEndsWithItsProcess", folder)
			stdout, err := cmd.StdoutPipe()
			if err = errors.Join(err, cmd.Start()); err != nil {
				t.Fatal(err)
			}
			if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			if files := spools(t, cmd.Process.Pid); len(files) != 1 {
				t.Errorf("the process has the temporary files %v, want one", files)
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err == nil {
				t.Error("the process ended well although it was killed")
			}
			if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
				t.Errorf("%v are left, %v", left, err)
			}
		})
	}
}

// planAndHang waits for ever where the check has ended and prices are asked for.
func planAndHang(t *testing.T, path string) {
	m, err := manifest.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c := newCatalog(t)
	c.fail = func(call, _ string) error {
		if call == "dry run" {
			fmt.Println("checked")
			<-t.Context().Done()
		}
		return nil
	}
	_, err = plan.Make(t.Context(), plan.Options{Manifest: m, Catalog: c})
	t.Fatal(err)
}

// spools are the temporary files of plans that a process has open.
func spools(t *testing.T, pid int) (files []string) {
	t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if file, err := os.Readlink(link); err == nil && strings.Contains(file, "nightshift-plan-") {
			files = append(files, file)
		}
	}
	return files
}

// TestFullTemporaryDisk plans with a temporary folder that has room for 64 KiB.
func TestFullTemporaryDisk(t *testing.T) {
	if path := os.Getenv(manifestVariable); path != "" {
		planOnSmallDisk(t, path)
		return
	}
	t.Parallel()
	folder := t.TempDir()
	cmd := inProcess(t, t.Name(), folder)
	// Unsharing also makes mounts private, so that none appears outside.
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
		cmd.SysProcAttr.AmbientCaps = []uintptr{21} // CAP_SYS_ADMIN, for mounting
	}
	said, err := cmd.Output()
	if errors.Is(err, syscall.EPERM) {
		t.Skip("this machine gives no namespaces to tests")
	}
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	for _, want := range []string{"no space left on device", "free space there, or name another folder in TMPDIR", folder, "left: []"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("no %q in what the process said: %s", want, said)
		}
	}
}

func planOnSmallDisk(t *testing.T, path string) {
	if err := syscall.Mount("none", os.TempDir(), "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	c := newCatalog(t)
	_, err = plan.Make(t.Context(), plan.Options{Manifest: m, Catalog: c})
	left, readErr := os.ReadDir(os.TempDir())
	fmt.Println(err, job.Hint(err), "left:", left, readErr)
	if len(c.dryRuns) > 0 {
		t.Errorf("%d dry runs", len(c.dryRuns))
	}
}
