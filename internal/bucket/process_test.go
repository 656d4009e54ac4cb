package bucket_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"testing"

	"nightshift/internal/bucket"
	"nightshift/internal/bucket/buckettest"
	"nightshift/internal/bucket/image"
)

// childRole names what this binary does instead of testing, when a test starts it
// as another process.
const childRole = "NIGHTSHIFT_BUCKET_TEST_ROLE"

// children are the roles. Each gets the bucket's folder and tells on standard
// output how far it is.
var children = map[string]func(dir string) error{
	"hold a lock":  holdLock,
	"put half":     putHalf,
	"put for ever": putForEver,
	"append":       appendLines,
}

func TestMain(m *testing.M) {
	role, isChild := os.LookupEnv(childRole)
	if !isChild {
		os.Exit(m.Run())
	}
	if err := children[role](os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child is another process that has said something.
type child struct {
	*exec.Cmd
	said *bufio.Reader
}

func startChild(t *testing.T, role, dir string) child {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], dir)
	cmd.Env = append(os.Environ(), childRole+"="+role)
	cmd.Stderr = t.Output()
	stdin, inErr := cmd.StdinPipe()
	stdout, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close() })
	return child{cmd, bufio.NewReader(stdout)}
}

func (c child) waitFor(t *testing.T, lines int) {
	t.Helper()
	for range lines {
		if _, err := c.said.ReadString('\n'); err != nil {
			t.Fatalf("the other process ended before it was to: %v, %v", err, c.Wait())
		}
	}
}

// kill ends the process as a crash would.
func (c child) kill(t *testing.T) {
	t.Helper()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, c.said)
	if err := c.Wait(); err == nil {
		t.Fatal("the other process ended well although it was killed")
	}
}

func holdLock(dir string) error {
	b, err := bucket.NewLocal(dir)
	if err != nil {
		return err
	}
	unlock, err := b.Lock(neverDone, lockKey)
	if err != nil {
		return err
	}
	fmt.Println("locked")
	return errors.Join(sleep(), unlock())
}

// putHalf writes half an image and then hears nothing more.
func putHalf(dir string) error {
	b, err := bucket.NewLocal(dir)
	if err != nil {
		return err
	}
	file := buckettest.PNG(300, 200, 1)
	body := io.MultiReader(bytes.NewReader(file[:len(file)/2]), hanging{})
	_, err = b.PutImage(neverDone, image.Put{Name: "batch/half.png", Body: body, Length: int64(len(file))})
	return err
}

// hanging says that it was reached, and never answers.
type hanging struct{}

func (hanging) Read([]byte) (int, error) {
	fmt.Println("half written")
	return 0, sleep()
}

// sleep returns when the test that started this process is over.
func sleep() error {
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func putForEver(dir string) error {
	b, err := bucket.NewLocal(dir)
	if err != nil {
		return err
	}
	for at := 0; ; at++ {
		file := buckettest.PNG(40+at%50, 60, uint64(at))
		name := fmt.Sprintf("batch/%d/%d.png", at%3, at%7)
		meta := image.Metadata{Job: "job", Index: at}
		if _, err := b.PutImage(neverDone, image.Put{Name: name, Body: bytes.NewReader(file), Length: -1, Metadata: meta}); err != nil {
			return err
		}
		if err := b.Append(neverDone, "batch/results.jsonl", fmt.Appendf(nil, "%d %s\n", at, strings.Repeat("x", 5000))); err != nil {
			return err
		}
		fmt.Println("put")
	}
}

const (
	appendedLog = "batch/shared.jsonl"
	appended    = 200
)

// appendLines appends lines of all lengths.
func appendLines(dir string) error {
	b, err := bucket.NewLocal(dir)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for at := range appended {
		if err := b.Append(neverDone, appendedLog, fmt.Appendf(nil, "%d of %d %s\n", at, os.Getpid(), strings.Repeat("x", at*37%6000))); err != nil {
			return err
		}
	}
	fmt.Println("done")
	return sleep()
}

func TestProcessesAppendToOneLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const processes = 5
	var children []child
	for range processes {
		children = append(children, startChild(t, "append", dir))
	}
	for _, c := range children {
		c.waitFor(t, 2)
	}
	data, err := os.ReadFile(newLocal(t, dir).Path(appendedLog))
	if err != nil {
		t.Fatal(err)
	}
	next := map[int]int{}
	for line := range strings.Lines(string(data)) {
		var at, process int
		var padding string
		if _, err := fmt.Sscanf(line, "%d of %d", &at, &process); err != nil {
			t.Fatalf("line %.40q: %v", line, err)
		}
		if _, padding, _ = strings.Cut(line, "x"); len(padding) > 0 && strings.Trim(padding, "x\n") != "" {
			t.Fatalf("two lines are one: %.60q", line)
		}
		if at != next[process] {
			t.Fatalf("line %d of process %d comes in place of line %d", at, process, next[process])
		}
		next[process]++
	}
	for _, c := range children {
		if next[c.Process.Pid] != appended {
			t.Errorf("process %d has %d lines, want %d", c.Process.Pid, next[c.Process.Pid], appended)
		}
		c.kill(t)
	}
}

func TestKilledPutIsInvisibleAndSwept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newLocal(t, dir)
	killed, living := startChild(t, "put half", dir), startChild(t, "put half", dir)
	killed.waitFor(t, 1)
	living.waitFor(t, 1)
	killed.kill(t)
	if _, err := b.Stat(t.Context(), "batch/half.png"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half an image is visible: %v", err)
	}
	if parts := partsIn(t, dir); len(parts) != 2 {
		t.Errorf("unfinished files before the sweep: %v", parts)
	}
	removed, err := b.Sweep(t.Context(), "batch")
	if removed != 1 || err != nil {
		t.Errorf("Sweep = %d, %v; one of two writers is dead", removed, err)
	}
	if parts := partsIn(t, dir); len(parts) != 1 {
		t.Errorf("unfinished files after the sweep: %v", parts)
	}
	living.kill(t)
	if removed, err := b.Sweep(t.Context(), "."); removed != 1 || err != nil {
		t.Errorf("Sweep = %d, %v; both writers are dead", removed, err)
	}
}

func partsIn(t *testing.T, dir string) (parts []string) {
	t.Helper()
	for _, name := range tree(t, dir) {
		if strings.HasPrefix(path.Base(name), ".nightshift-") {
			parts = append(parts, name)
		}
	}
	return parts
}

func TestKillsLeaveOnlyWholeObjects(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newLocal(t, dir)
	const kills = 12
	for round := range kills {
		writer := startChild(t, "put for ever", dir)
		writer.waitFor(t, 1+round*3%7)
		writer.kill(t)
		if _, err := b.Sweep(t.Context(), "."); err != nil {
			t.Fatal(err)
		}
		if parts := partsIn(t, dir); len(parts) != 0 {
			t.Errorf("left after the sweep: %v", parts)
		}
		wantWholeImages(t, dir)
	}
	if err := b.Append(t.Context(), "batch/results.jsonl", []byte("0 end\n")); err != nil {
		t.Fatal(err)
	}
	wantWholeLines(t, b.Path("batch/results.jsonl"))
}

func wantWholeImages(t *testing.T, dir string) {
	t.Helper()
	for _, name := range tree(t, dir) {
		if path.Ext(name) != ".png" {
			continue
		}
		file, err := os.ReadFile(path.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(file)); err != nil {
			t.Errorf("%s is visible and not whole: %v", name, err)
		}
	}
}

func wantWholeLines(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		_, rest, _ := strings.Cut(line, " ")
		if rest != "end\n" && rest != strings.Repeat("x", 5000)+"\n" {
			t.Errorf("a torn line of %d bytes: %.20q", len(line), line)
		}
	}
}

func TestSweepLeavesWhatIsBeingWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := newLocal(t, dir)
	done := make(chan struct{})
	var sweeper, writers sync.WaitGroup
	sweeper.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if _, err := b.Sweep(t.Context(), "."); err != nil {
				t.Error(err)
			}
		}
	})
	for writer := range 8 {
		writers.Go(func() {
			for range 20 {
				if err := b.Put(t.Context(), fmt.Sprintf("batch/%d", writer), strings.NewReader("x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	sweeper.Wait()
}

func TestSweepStopsWhenCancelled(t *testing.T) {
	t.Parallel()
	b := newLocal(t, t.TempDir())
	if _, err := b.Sweep(cancelledContext(t), "."); !errors.Is(err, errCancelled) {
		t.Errorf("Sweep = %v", err)
	}
}
