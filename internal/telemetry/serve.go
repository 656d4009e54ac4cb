package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"nightshift/internal/job"
)

// shutdownTime is how long requests that are being answered may take at the end.
const shutdownTime = 3 * time.Second

// Serve answers HTTP at an address such as "127.0.0.1:9464" or ":0" until ctx is done
// or stop is called. addr is where it listens. stop waits until nothing is served any
// more, may be called again, and returns an error when the server ended by itself.
// The error of an address that cannot be had is a [job.HintedError].
func Serve(ctx context.Context, address string, handler http.Handler, logger *slog.Logger) (addr string, stop func() error, err error) {
	logger = logger.With(AttrComponent, "health")
	listener, err := new(net.ListenConfig).Listen(ctx, network(address), address)
	if err != nil {
		return "", nil, &job.HintedError{Err: fmt.Errorf("listen at %q: %w", address, err), Hint: listenHint(err)}
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	var served error
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			served = fmt.Errorf("serve metrics and health at %s: %w", listener.Addr(), err)
			logger.ErrorContext(ctx, "metrics and health are not served any more", AttrErr, err)
		}
	})
	shutdown := sync.OnceValue(func() error { return end(ctx, server) })
	cancel := context.AfterFunc(ctx, func() { _ = shutdown() }) // stop tells the error
	return listener.Addr().String(), func() error {
		cancel()
		err := shutdown()
		serving.Wait()
		return errors.Join(served, err)
	}, nil
}

// end lets requests finish for a short time, and then cuts them off.
func end(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}

// network keeps to the family of a numeric address: "0.0.0.0" would otherwise open
// IPv6 as well.
func network(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "tcp"
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return "tcp"
	case ip.Is4():
		return "tcp4"
	default:
		return "tcp6"
	}
}

func listenHint(err error) string {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return "another process listens there; stop it, or set NIGHTSHIFT_LISTEN to another address"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine does not have that address; set NIGHTSHIFT_LISTEN to one that it has, or to 0.0.0.0 and a port"
	case errors.Is(err, syscall.EACCES):
		return "this user may not listen at that port; set NIGHTSHIFT_LISTEN to a port above 1023"
	default:
		return "set NIGHTSHIFT_LISTEN to an address and a port, as in 127.0.0.1:9464"
	}
}
