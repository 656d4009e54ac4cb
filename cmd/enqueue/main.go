// Command enqueue turns manifests of prompts into images.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"nightshift/internal/app"
	"nightshift/internal/cli"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal kills
	return cli.Enqueue(ctx, app.Process{Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
}
