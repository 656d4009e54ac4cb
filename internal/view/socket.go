package view

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
)

// Answers reports whether there is a Redis behind the client.
func Answers(ctx context.Context, client *redis.Client) bool {
	ctx, cancel := context.WithTimeout(ctx, app.PingTime)
	defer cancel()
	return client.Ping(ctx).Err() == nil
}

// SocketPath is the socket by which other commands of the same person reach the
// embedded Redis of a run. It is named by the folder of the batch and lies in a
// folder of that person alone, since the path of a socket must be short.
func SocketPath(folder string) string {
	if real, err := filepath.EvalSymlinks(folder); err == nil {
		folder = real
	}
	sum := sha256.Sum256([]byte(folder))
	return filepath.Join(os.TempDir(), "nightshift-"+strconv.Itoa(os.Getuid()), hex.EncodeToString(sum[:8])+".sock")
}

// runAlive reports whether the run that works on a batch without a server is there: its
// Redis answers, or, where that is not shared, it holds the batch's lock. A folder in which
// this process cannot lock tells nothing of it.
func runAlive(ctx context.Context, b bucket.Objects, id string) bool {
	client := RunRedis(b.Path(id))
	defer client.Close() // it was only asked for a sign
	if Answers(ctx, client) {
		return true
	}
	unlock, err := b.Lock(ctx, id+"/"+batch.LockName)
	return err != nil || unlock() != nil
}

// RunRedis is the embedded Redis of the run that works in a batch's folder; if none
// does, nothing answers.
func RunRedis(folder string) *redis.Client {
	return redis.NewClient(&redis.Options{
		Network: "unix", Addr: SocketPath(folder), Protocol: 2, DisableIdentity: true, MaxRetries: -1,
	})
}
