package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	stopTime = 40 * time.Second // more than a program's own drain time
	pollTime = 10 * time.Millisecond
)

// process is a program that a measurement started; it ends with the measurement.
type process struct {
	name    string
	cmd     *exec.Cmd
	log     string // file with what it prints
	started time.Time
	ended   chan struct{}
}

// start runs a program in a folder, with what it prints in a file there.
func (l *lab) start(ctx context.Context, room, name string, environ []string, program string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(room, name+".log"), ended: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the process has its own
	p.cmd = exec.CommandContext(ctx, program, args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = room, out, out
	p.cmd.Env = append(append([]string{}, l.environ...), environ...)
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(os.Interrupt) }
	p.cmd.WaitDelay = stopTime
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended is read from ProcessState
	}()
	return p, nil
}

// stop asks the process to end, and kills it when it takes too long. One that has
// ended is left as it is.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt) // it may have ended by itself
	select {
	case <-p.ended:
	case <-time.After(stopTime):
		p.kill()
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.ended
}

// wait waits for the end of the process, which must be a good one.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("%s ended with %d: %s", p.name, code, p.tail())
	}
	return nil
}

// tail is the end of what the process printed.
func (p *process) tail() string {
	const most = 600
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-most):]))
}

// cpu is the processor time that the process has used, of user and system. Once it
// has ended it is exact; before, to a hundredth of a second.
func (p *process) cpu() (time.Duration, error) {
	select {
	case <-p.ended:
		return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), nil
	default:
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read the processor time of %s: %w", p.name, err)
	}
	return parseStat(string(stat))
}

// parseStat reads utime and stime, in hundredths of a second, of a /proc/PID/stat.
func parseStat(stat string) (time.Duration, error) {
	const utime, stime = 11, 12 // counted from behind the name, which may hold spaces
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) <= stime {
		return 0, fmt.Errorf("read processor time of %q: too few fields", stat)
	}
	user, err1 := strconv.ParseInt(fields[utime], 10, 64)
	system, err2 := strconv.ParseInt(fields[stime], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err1, err2)
}

// peak is the most memory that the process has had resident, in bytes. After its end
// it is taken from the account of the kernel.
func (p *process) peak() (int64, error) {
	select {
	case <-p.ended:
		usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			return 0, fmt.Errorf("no account of %s", p.name)
		}
		return usage.Maxrss << 10, nil
	default:
	}
	text := fieldOf(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid), "VmHWM")
	kib, err := strconv.ParseInt(strings.TrimSuffix(text, " kB"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the memory of %s: %w", p.name, err)
	}
	return kib << 10, nil
}

// until asks again and again, a short time apart, until the answer is yes.
func until(ctx context.Context, p *process, yes func() (bool, error)) error {
	for {
		if ok, err := yes(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ended:
			return fmt.Errorf("%s ended: %s", p.name, p.tail())
		case <-time.After(pollTime):
		}
	}
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
