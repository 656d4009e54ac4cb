package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/config"
	"nightshift/internal/job"
)

// healthTime bounds the question to a worker.
const healthTime = 5 * time.Second

// Health is the command worker health: it asks the worker on this machine whether it
// takes jobs. It is for images that have no shell and no other program to ask with.
func Health(ctx context.Context, p app.Process) error {
	settings, err := config.Load(p.Environ)
	if err != nil {
		return &job.InputError{Err: err}
	}
	if settings.Listen == config.ListenOff {
		return &job.InputError{Err: errors.New("NIGHTSHIFT_LISTEN: is off, so that no worker can be asked")}
	}
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(settings.Listen)+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return &job.HintedError{Err: fmt.Errorf("no worker answers: %w", err), Hint: "start one, or give NIGHTSHIFT_LISTEN as it has it"}
	}
	defer reply.Body.Close() // only read from
	body, err := io.ReadAll(io.LimitReader(reply.Body, batch.MaxJSON))
	if err != nil {
		return fmt.Errorf("read what the worker says: %w", err)
	}
	text := strings.TrimSpace(string(body))
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("the worker takes no jobs: %s", text)
	}
	_, err = fmt.Fprintln(p.Stdout, text)
	return err
}

// reachable is where to ask who listens at an address: on all interfaces means on
// this one too.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen // settings were checked
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
