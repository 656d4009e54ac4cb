// Command simulator runs the double of the Scenario image API as a process; see
// docs/simulator.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"nightshift/internal/simulator"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal kills
	return simulator.Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
}
