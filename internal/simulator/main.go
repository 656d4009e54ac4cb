package simulator

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"
)

// The exit codes of [Main].
const (
	exitDone  = 0
	exitError = 1
	exitUsage = 2
)

// stopTimeout is how long calls in flight may take once the process is told to
// stop.
const stopTimeout = 5 * time.Second

// Main runs the simulator as a process until ctx ends. It returns the exit code:
// 0 after a stop, 1 when serving fails, 2 when flags or files make no sense. With
// the flag -health it asks another such process instead: 0 when that is ready, else 1.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	settings, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err != nil {
		fmt.Fprintln(stderr, "simulator:", err)
		return exitUsage
	}
	if settings.health {
		if err := checkHealth(ctx, settings.addr); err != nil {
			fmt.Fprintln(stderr, "simulator:", err)
			return exitError
		}
		return exitDone
	}
	sim, err := New(settings.options)
	if err != nil {
		fmt.Fprintln(stderr, "simulator:", err)
		return exitUsage
	}
	if err := serve(ctx, sim, settings, stdout); err != nil {
		fmt.Fprintln(stderr, "simulator:", err)
		return exitError
	}
	return exitDone
}

// settings are the flags, read.
type settings struct {
	addr    string
	health  bool // ask, do not serve
	options Options
}

func parseFlags(args []string, stderr io.Writer) (settings, error) {
	flags := flag.NewFlagSet("simulator", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed once, by Main
	s := settings{}
	var keysFile, modelsDir string
	var verbose bool
	s.options.Latency = Between(time.Second, 3*time.Second)
	flags.StringVar(&s.addr, "addr", "127.0.0.1:8090", "`address` to listen on; port 0 takes a free one")
	flags.StringVar(&keysFile, "keys", "", "YAML or JSON `file` with the API keys (default one key sim:sim)")
	flags.StringVar(&modelsDir, "models", "", "`directory` with further model records (*.json)")
	flags.Func("latency", "`time` that an inference takes, 8s or 2s..6s (default 1s..3s)", func(text string) (err error) {
		s.options.Latency, err = ParseLatency(text)
		return err
	})
	flags.IntVar(&s.options.Parallel, "parallel", DefaultParallel, "running jobs of a team; -1 for no ceiling")
	flags.IntVar(&s.options.RequestsPerMinute, "rpm", DefaultRequestsPerMinute, "requests a minute of a project; -1 for no limit")
	flags.Uint64Var(&s.options.Seed, "seed", 0, "seed of ids and latencies; 0 draws one")
	flags.DurationVar(&s.options.LinkLifetime, "link-lifetime", DefaultLinkLifetime, "how long a result link opens")
	flags.StringVar(&s.options.PublicURL, "public-url", "", "base `URL` of result links (default the host that is asked)")
	flags.IntVar(&s.options.LongPrompt, "long-prompt", DefaultLongPrompt, "characters over which job lists hide a prompt; -1 for never")
	flags.DurationVar(&s.options.UsageLag, "usage-lag", 0, "how long after they happened usages show charges and refunds")
	flags.DurationVar(&s.options.ClockSkew, "clock-skew", 0, "how far the API's clock is ahead, -90s for behind")
	flags.BoolVar(&s.health, "health", false, "ask the simulator that listens on -addr whether it is ready, and exit with 0 or 1")
	flags.BoolVar(&verbose, "verbose", false, "log every accepted job")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stderr)
			fmt.Fprintln(stderr, "Usage of simulator:")
			flags.PrintDefaults()
		}
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q: all settings are flags", flags.Arg(0))
	}
	s.options.Logger = newLogger(stderr, verbose)
	return s, s.readFiles(keysFile, modelsDir)
}

func newLogger(stderr io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
}

func (s *settings) readFiles(keysFile, modelsDir string) error {
	if keysFile != "" {
		data, err := os.ReadFile(keysFile)
		if err != nil {
			return fmt.Errorf("keys file: %w", err)
		}
		if s.options.Keys, err = ParseKeys(data); err != nil {
			return fmt.Errorf("keys file %s: %w", keysFile, err)
		}
	}
	if modelsDir != "" {
		s.options.Models = os.DirFS(modelsDir)
	}
	return nil
}

// serve answers on the address until ctx ends, then lets calls in flight finish.
func serve(ctx context.Context, sim *Simulator, s settings, stdout io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{
		Handler:           sim,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.options.Logger.Handler(), slog.LevelWarn),
	}
	fmt.Fprintf(stdout, "simulator listens on http://%s\n", listener.Addr())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err = server.Shutdown(stopping); err != nil {
		// Only downloads that are slow on purpose last so long; they are cut.
		err = server.Close()
	}
	if end := <-ended; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	if err != nil {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}
