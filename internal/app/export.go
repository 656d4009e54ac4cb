package app

import (
	"context"
	"log/slog"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/results"
)

const (
	// exportTick is how often the journal is copied from Redis to the bucket.
	exportTick = time.Second
	// exportAtOnce is how many entries one step copies.
	exportAtOnce = 500
)

// exporter copies the spend journal of a batch from Redis into its folder, where
// it outlives Redis.
type exporter struct {
	admission *admission.Admission
	journal   *results.Journal
	batch     string
	logger    *slog.Logger
}

// run copies until ctx is done. What fails is tried again: the entries stay in
// Redis until they are durable.
func (e *exporter) run(ctx context.Context) {
	ticker := time.NewTicker(exportTick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if err := e.drain(ctx); err != nil && ctx.Err() == nil {
			e.logger.WarnContext(ctx, "spend journal not exported, trying again", "batch_id", e.batch, "err", err)
		}
	}
}

// drainLast is drain once ctx may be done.
func (e *exporter) drainLast(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingTime)
	defer cancel()
	return e.drain(ctx)
}

// drain copies all there is.
func (e *exporter) drain(ctx context.Context) error {
	for {
		entries, err := e.admission.Entries(ctx, e.batch, exportAtOnce)
		if err != nil || len(entries) == 0 {
			return err
		}
		if err := e.journal.Append(ctx, entries); err != nil {
			return err
		}
		if err := e.admission.Forget(ctx, e.batch, entries); err != nil {
			return err
		}
	}
}
