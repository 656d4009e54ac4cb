package chaos

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// process is a program that runs beside the test.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
}

// passedOn are the variables of ours that a program gets.
var passedOn = []string{"PATH", "HOME", "TMPDIR", "GOCOVERDIR", "GORACE"}

// start starts a program of this project; it ends with the test at the latest.
func start(t *testing.T, program, dir string, environ, args []string, out io.Writer) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatalf("find the programs: %v", err)
	}
	p := &process{cmd: exec.Command(self, args...), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, out, out
	p.cmd.Env = append([]string{programVariable + "=" + program}, environ...)
	for _, name := range passedOn {
		if value, set := os.LookupEnv(name); set {
			p.cmd.Env = append(p.cmd.Env, name+"="+value)
		}
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended is read from ProcessState
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended by itself
		<-p.ended
	})
	return p
}

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// logFile opens a file for what a process prints, behind what is there.
func (w *world) logFile(name string) *os.File {
	w.t.Helper()
	file, err := os.OpenFile(filepath.Join(w.dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = file.Close() }) // written by others
	return file
}

// said returns the last lines of a log that hold a text.
func (w *world) said(name, text string, most int) string {
	data, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		return err.Error()
	}
	var found []string
	for line := range bytes.Lines(data) {
		if bytes.Contains(line, []byte(text)) {
			found = append(found, name+": "+string(line))
		}
	}
	return strings.Join(found[max(0, len(found)-most):], "")
}
