package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// lab is where measurements are made: the programs, a folder, and what the flags say.
type lab struct {
	settings
	machine machine
	root    string // of the module
	folder  string
	memory  string // a folder on no disk; "" until it is asked for
	self    string // this program, which is also the plain client
	environ []string
	log     io.Writer

	mu    sync.Mutex // both clients of a measurement may be started at once
	rooms int
}

// newLab builds the programs into a new folder.
func newLab(ctx context.Context, s settings, environ []string, log io.Writer) (*lab, error) {
	l := &lab{settings: s, machine: lookAround(ctx), log: log, environ: cleared(environ)}
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("find the module: %w", err)
	}
	l.root = filepath.Dir(strings.TrimSpace(string(out)))
	if l.self, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	if l.folder, err = os.MkdirTemp("", "nightshift-bench-"); err != nil {
		return nil, err
	}
	l.logf("building in %s", l.folder)
	build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(l.folder, "bin")+"/", "./cmd/...")
	build.Dir = l.root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("build the programs: %w: %s", err, bytes.TrimSpace(out)), l.close())
	}
	return l, nil
}

// cleared is the environment without settings that would change what is measured.
func cleared(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(variable string) bool {
		ours := strings.HasPrefix(variable, "NIGHTSHIFT_") && !strings.HasPrefix(variable, "NIGHTSHIFT_TEST_")
		return ours || strings.HasPrefix(variable, "SCENARIO_")
	})
}

func (l *lab) close() error {
	if l.keep {
		l.logf("kept %s %s", l.folder, l.memory)
		return nil
	}
	err := os.RemoveAll(l.folder)
	if l.memory != "" {
		err = errors.Join(err, os.RemoveAll(l.memory))
	}
	return err
}

// memoryDisk is where Linux has a file system in memory.
const memoryDisk = "/dev/shm"

func hasMemoryDisk() bool {
	info, err := os.Stat(memoryDisk)
	return err == nil && info.IsDir()
}

// room makes an empty folder for one part of a measurement.
func (l *lab) room(name string, inMemory bool) (_ string, err error) {
	if inMemory && l.memory == "" {
		if l.memory, err = os.MkdirTemp(memoryDisk, "nightshift-bench-"); err != nil {
			return "", err
		}
	}
	l.mu.Lock()
	l.rooms++
	name = fmt.Sprintf("%02d-%s", l.rooms, name)
	l.mu.Unlock()
	base := l.folder
	if inMemory {
		base = l.memory
	}
	room := filepath.Join(base, name)
	return room, os.Mkdir(room, 0o755)
}

func (l *lab) program(name string) string { return filepath.Join(l.folder, "bin", name) }

// path is that of a file of the module.
func (l *lab) path(name string) string { return filepath.Join(l.root, filepath.FromSlash(name)) }

func (l *lab) logf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.log, "%s %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}

// pick is the full setting, or the short one with -short.
func pick[T any](l *lab, full, short T) T {
	if l.short {
		return short
	}
	return full
}
