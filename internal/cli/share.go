package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/alicebob/miniredis/v2"

	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/view"
)

// keysLock is held by a run whose caps count across batches while its Redis is
// embedded: two such runs would each count for themselves.
const keysLock = "_nightshift/keys.lock"

// shareRedis lets other commands see what an embedded Redis counts, and keeps two
// embedded ones from counting the same caps apart.
func (o *session) shareRedis(ctx context.Context) error {
	if o.embedded == nil {
		return nil
	}
	if o.capsAcrossBatches() {
		unlock, err := o.Bucket.Lock(ctx, keysLock)
		if err != nil {
			return &job.InputError{Err: &job.HintedError{
				Err:  fmt.Errorf("another run counts the CU caps of keys, projects or teams in this folder: %w", err),
				Hint: "wait for its end, or let both share a Redis server, named in " + config.RedisVariable,
			}}
		}
		o.Add("unlock caps", unlock)
	}
	stop, err := share(ctx, o.embedded, view.SocketPath(o.Bucket.Path(o.Batch)))
	if err != nil {
		o.logger.WarnContext(ctx, "embedded redis not shared; enqueue keys cannot see this run", "err", err)
		return nil
	}
	o.Add("stop sharing Redis", stop)
	return nil
}

// capsAcrossBatches reports whether any cap counts more than this batch.
func (o *session) capsAcrossBatches() bool {
	limits := o.api.Keys.Limits()
	for _, key := range o.api.Keys.Usable(nil) {
		for _, l := range []config.Limits{key.Limits, limits.Projects[key.Project], limits.Teams[key.Team]} {
			if l.CU.Total != nil || l.CU.Day != nil || l.CU.Month != nil {
				return true
			}
		}
	}
	return false
}

// share lets other commands reach an embedded Redis until stop is called.
func share(ctx context.Context, server *miniredis.Miniredis, path string) (stop func() error, err error) {
	if err := ownFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err // of a run that was killed
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	var serving sync.WaitGroup
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	serving.Go(func() {
		for {
			visitor, err := listener.Accept()
			if err != nil {
				return // closed by stop
			}
			serving.Go(func() { relay(ctx, visitor, server) })
		}
	})
	return func() error {
		err := listener.Close()
		cancel()
		serving.Wait()
		return err
	}, nil
}

// ownFolder makes a folder that nobody else can look into, or makes sure that the
// one that is there is such.
func ownFolder(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err == nil && (!info.IsDir() || info.Mode().Perm()&0o077 != 0) {
		err = fmt.Errorf("%s is open to others", dir)
	}
	return err
}

// relay passes bytes between a visitor and the server until one of them ends, or
// ctx is done.
func relay(ctx context.Context, visitor net.Conn, server *miniredis.Miniredis) {
	defer context.AfterFunc(ctx, func() { _ = visitor.Close() })() // it may have left already
	defer visitor.Close()
	inner, err := server.Dial()
	if err != nil {
		return // the server is closed
	}
	var copying sync.WaitGroup
	copying.Go(func() {
		_, _ = io.Copy(inner, visitor) // either end may close at any time
		_ = inner.Close()
	})
	_, _ = io.Copy(visitor, inner)
	_ = visitor.Close()
	copying.Wait()
}
