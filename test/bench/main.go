package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal kills
	var err error
	if len(os.Args) > 1 && os.Args[1] == plainCommand {
		err = plainMain(ctx, os.Args[2:])
	} else {
		err = bench(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// settings are the flags of the program.
type settings struct {
	short, write, keep bool
	driver             string
	workers            int // of the driver of that name
	rows               []row
}

func parseFlags(args []string, stderr io.Writer) (settings, error) {
	var s settings
	var names string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&s.short, "short", false, "smaller settings: minutes instead of three quarters of an hour")
	flags.BoolVar(&s.write, "write", false, "put the measured rows into "+pagePath)
	flags.BoolVar(&s.keep, "keep", false, "keep the folder with images and logs, and print its name")
	flags.StringVar(&s.driver, "driver", "run", "what works on the batch: `run` (enqueue run) or workers (enqueue submit and worker processes)")
	flags.IntVar(&s.workers, "workers", 2, "how `many` worker processes there are with -driver workers")
	flags.StringVar(&names, "rows", "", "comma separated `names` of rows (default all), as are the arguments: "+strings.Join(rowNames(), ", "))
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if _, known := drivers[s.driver]; !known {
		return s, fmt.Errorf("unknown driver %q: want run or workers", s.driver)
	}
	if s.workers < 1 {
		return s, fmt.Errorf("%d workers make nothing", s.workers)
	}
	asked := flags.Args()
	if names != "" {
		asked = append(asked, strings.Split(names, ",")...)
	}
	for _, name := range asked {
		if !slices.Contains(rowNames(), name) {
			return s, fmt.Errorf("unknown row %q: want some of %s", name, strings.Join(rowNames(), ", "))
		}
	}
	for _, r := range allRows {
		if len(asked) == 0 || slices.Contains(asked, r.name) {
			s.rows = append(s.rows, r)
		}
	}
	return s, nil
}
