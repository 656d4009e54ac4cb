package app

import (
	"context"
	"log/slog"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/queue"
)

// leasesOf are what the processes that work on one bucket agree on.
func leasesOf(client redis.UniversalClient, prefix string) *queue.Leases {
	return queue.NewLeases(client, prefix, "leases")
}

// restoreLease is held by who restores what Redis lost.
const restoreLease = "restore"

func dropRestoreLease(ctx context.Context, leases *queue.Leases, token string, logger *slog.Logger) {
	if err := leases.Drop(context.WithoutCancel(ctx), restoreLease, token); err != nil {
		logger.WarnContext(ctx, "lease on restoring Redis not given back, others wait for its end", "err", err)
	}
}
