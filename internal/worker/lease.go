package worker

import (
	"context"
	"log/slog"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
)

// restoreLease is held by who restores what Redis lost.
const restoreLease = "restore"

func dropLease(ctx context.Context, lease *fleet.Lease, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), app.PingTime)
	defer cancel()
	if err := lease.Drop(ctx); err != nil {
		logger.WarnContext(ctx, "lease not given back, others take it when this process has ended", "err", err)
	}
}

// uploadLease is the right to upload a picture, of all workers.
func (w *Worker) uploadLease(ctx context.Context, name string) (release func(context.Context) error, held bool, err error) {
	lease, err := w.member.Hold(ctx, name)
	if err != nil || lease == nil {
		return nil, false, err
	}
	return lease.Drop, true, nil
}

// leaveFleet lets others have at once what this process still holds.
func leaveFleet(ctx context.Context, member *fleet.Member, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), app.PingTime)
	defer cancel()
	if err := member.Leave(ctx); err != nil {
		logger.DebugContext(ctx, "leaving not written to redis", "err", err)
	}
}
