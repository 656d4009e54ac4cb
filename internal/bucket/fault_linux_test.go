package bucket_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/bucket"
	"nightshift/internal/bucket/buckettest"
	"nightshift/internal/bucket/image"
	"nightshift/internal/job"
)

// outcome is what a process found that put an image into a folder that could not
// take it.
type outcome struct {
	Image, Object, Log fault
	Left               []string // files and folders afterwards
	LogBytes           int64    // what is in the log afterwards
}

type fault struct {
	Text, Hint string
	Waits      bool // the work goes on when someone acted
	Full       bool // there is no more room
}

func explainFault(err error) fault {
	postponed, waits := errors.AsType[*job.PostponedError](err)
	return fault{fmt.Sprint(err), job.Hint(err), waits && postponed.Reason == job.WaitStorage && postponed.After > 0, bucket.Full(err)}
}

func init() {
	for role, prepare := range map[string]func(dir string) error{
		"full disk":      smallDisk,
		"read-only disk": readOnlyDisk,
		"no permission":  dropRights,
		"small files":    limitFiles,
	} {
		children[role] = func(dir string) error {
			if err := prepare(dir); err != nil {
				return fmt.Errorf("prepare %s: %w", role, err)
			}
			return json.NewEncoder(os.Stdout).Encode(putIntoTrouble(dir))
		}
	}
}

// inBatch is where the disk is mounted and the images go.
func inBatch(dir string) string { return filepath.Join(dir, "batch") }

func smallDisk(dir string) error {
	return syscall.Mount("none", inBatch(dir), "tmpfs", 0, "size=64k")
}

func readOnlyDisk(dir string) error {
	return syscall.Mount("none", inBatch(dir), "tmpfs", syscall.MS_RDONLY, "")
}

// dropRights takes the right to write away; root must become somebody else first,
// who can still reach the folder.
func dropRights(dir string) error {
	if err := os.Chmod(inBatch(dir), 0o555); err != nil || os.Getuid() != 0 {
		return err
	}
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		return err
	}
	const nobody = 65534
	return syscall.Setuid(nobody)
}

func limitFiles(string) error {
	const bytes = 64 << 10
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: bytes})
}

func putIntoTrouble(dir string) outcome {
	b, err := bucket.NewLocal(dir)
	if err != nil {
		panic(err)
	}
	file := buckettest.PNG(300, 200, 1) // about 180 kB
	_, imageErr := b.PutImage(neverDone, image.Put{Name: "batch/icons/a.png", Body: bytes.NewReader(file), Length: -1})
	objectErr := b.Put(neverDone, "batch/report/b.json", bytes.NewReader(file))
	logErr := b.Append(neverDone, "batch/log.jsonl", append(bytes.Repeat([]byte("line\n"), 40_000), '\n'))
	var left []string
	_ = filepath.WalkDir(inBatch(dir), func(name string, entry fs.DirEntry, err error) error {
		if entry != nil && name != inBatch(dir) {
			left = append(left, filepath.Base(name))
		}
		return err
	})
	result := outcome{Image: explainFault(imageErr), Object: explainFault(objectErr), Log: explainFault(logErr), Left: left}
	if object, err := b.Stat(neverDone, "batch/log.jsonl"); err == nil {
		result.LogBytes = object.Size
	}
	return result
}

func TestTroubleOfTheFileSystemIsExplained(t *testing.T) {
	t.Parallel()
	tests := []struct {
		role string
		text string
		left []string
	}{
		// An appended object is made before it is written to.
		{"full disk", "the disk is full", []string{"log.jsonl"}},
		{"read-only disk", "the file system is read-only", nil},
		{"no permission", "permission denied", nil},
		{"small files", "the file is larger than the system allows", []string{"log.jsonl"}},
	}
	for _, test := range tests {
		t.Run(test.role, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			got := inNamespace(t, test.role, dir)
			for what, fault := range map[string]fault{"image": got.Image, "object": got.Object, "log": got.Log} {
				if !strings.Contains(fault.Text, test.text) || !strings.Contains(fault.Hint, inBatch(dir)) || !fault.Waits || fault.Full != (test.role == "full disk") {
					t.Errorf("%s: %+v, want %q and a hint that names %s", what, fault, test.text, inBatch(dir))
				}
			}
			if got.LogBytes != 0 {
				t.Errorf("%d bytes of an append that failed are in the log", got.LogBytes)
			}
			if diff := cmp.Diff(test.left, got.Left); diff != "" {
				t.Errorf("left in the folder (-want +got):\n%s", diff)
			}
		})
	}
}

// inNamespace runs a role in a process that may mount file systems that nobody
// else sees.
func inNamespace(t *testing.T, role, dir string) outcome {
	t.Helper()
	if err := os.Mkdir(inBatch(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], dir)
	cmd.Env = append(os.Environ(), childRole+"="+role)
	cmd.Stderr = t.Output()
	// Unsharing also makes mounts private, so that none appears outside.
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
		cmd.SysProcAttr.AmbientCaps = []uintptr{21} // CAP_SYS_ADMIN, for mounting
	}
	output, err := cmd.Output()
	if errors.Is(err, syscall.EPERM) {
		t.Skip("this machine gives no namespaces to tests")
	}
	if err != nil {
		t.Fatalf("%s: %v", role, err)
	}
	var got outcome
	if err := json.Unmarshal(output, &got); err != nil {
		t.Fatalf("the other process said %q: %v", output, err)
	}
	return got
}
