package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine is what figures depend on; it never has the machine's name.
type machine struct {
	cores                 int
	cpu, system, redis    string
	memoryMiB             int64
	load                  string // of the last minute, at the start
	goVersion, platformOS string
}

// lookAround describes this machine. What cannot be found out is called unknown.
func lookAround(ctx context.Context) machine {
	m := machine{cores: runtime.NumCPU(), cpu: "unknown CPU", system: "unknown", load: loadNow(), goVersion: runtime.Version(), platformOS: runtime.GOOS + "/" + runtime.GOARCH}
	if model := fieldOf("/proc/cpuinfo", "model name"); model != "" {
		m.cpu = model
	}
	if name := strings.Trim(fieldOf("/etc/os-release", "PRETTY_NAME"), `"`); name != "" {
		m.system = name
	}
	if total, err := strconv.ParseInt(strings.TrimSuffix(fieldOf("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		m.memoryMiB = total >> 10
	}
	if out, err := exec.CommandContext(ctx, "redis-server", "--version").Output(); err == nil {
		for word := range strings.FieldsSeq(string(out)) {
			if version, ok := strings.CutPrefix(word, "v="); ok {
				m.redis = ", Redis " + version
			}
		}
	}
	return m
}

// loadNow is how many processes wanted a processor in the last minute, on average:
// figures of processor time are worse on a machine that others use.
func loadNow() string {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	minute, _, _ := strings.Cut(string(load), " ")
	return minute
}

func (m machine) String() string {
	return fmt.Sprintf("%d cores of %s, %.0f GiB of memory, %s (%s), %s%s; load %s at the start",
		m.cores, m.cpu, float64(m.memoryMiB)/1024, m.system, m.platformOS, m.goVersion, m.redis, m.load)
}

// about says when, where and with which settings was measured.
func (l *lab) about(started time.Time) string {
	text := fmt.Sprintf("Measured on %s on %s.", started.UTC().Format("2006-01-02"), l.machine)
	if l.short {
		text += " With -short: the settings are smaller than the targets mean."
	}
	return text
}

// fieldOf is the value of the first line "name : value" or "name=value" of a file;
// empty if there is none.
func fieldOf(path, name string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), name); ok {
			return strings.TrimSpace(strings.TrimLeft(rest, " \t:="))
		}
	}
	return ""
}
