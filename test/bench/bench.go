package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// row is one measurement: a command of its own that gives one or more lines of the
// table. What it cannot measure it says in the lines.
type row struct {
	name    string
	measure func(ctx context.Context, l *lab) ([]line, error)
}

var allRows = []row{
	{"rate", measureRate},
	{"makespan", measureMakespan},
	{"cpu", measureCPU},
	{"memory", measureMemory},
	{"stream", measureStream},
	{"kills", measureKills},
	{"caps", measureCaps},
}

func rowNames() []string {
	names := make([]string, len(allRows))
	for i, r := range allRows {
		names[i] = r.name
	}
	return names
}

// bench measures the rows and prints their table; a row that fails does not keep the
// others from being measured.
func bench(ctx context.Context, args, environ []string, stdout, stderr io.Writer) (err error) {
	s, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	l, err := newLab(ctx, s, environ, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	started := time.Now()
	var (
		lines   []line
		trouble []error
	)
	for _, r := range s.rows {
		l.logf("row %s", r.name)
		got, err := r.measure(ctx, l)
		if err != nil {
			trouble = append(trouble, fmt.Errorf("row %s: %w", r.name, err))
		}
		for i := range got {
			got[i].Row = r.name
		}
		lines = append(lines, got...)
		if ctx.Err() != nil {
			break
		}
	}
	about := l.about(started)
	fmt.Fprintf(stdout, "%s\n\n%s", about, table(lines))
	if s.write && len(lines) > 0 {
		trouble = append(trouble, writePage(l.path(pagePath), about, lines))
	}
	return errors.Join(trouble...)
}
