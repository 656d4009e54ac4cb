package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/admission"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/plan"
	"nightshift/internal/results"
)

// session holds the parts that both planning and running a manifest need.
type session struct {
	cleanup
	settings config.Settings
	logger   *slog.Logger
	manifest *manifest.Manifest
	api      *api
	bucket   *bucket.Local
	redis    redis.UniversalClient
	gate     *gate
	log      *results.Log
	sent     *results.Sent
	state    *batchState // of earlier runs; nil if there were none
	started  time.Time
}

// openSession makes the parts. It writes nothing, in memory apart.
func openSession(ctx context.Context, stderr io.Writer, s config.Settings, file, out string) (*session, error) {
	m, err := manifest.Open(file)
	if err != nil {
		return nil, asInput(err)
	}
	if out == "" {
		out = s.Output
	}
	o := &session{settings: s, manifest: m, started: time.Now()}
	level, err := s.Level()
	if err != nil {
		return nil, err
	}
	o.logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	if o.api, err = connect(s, m.Mode); err != nil {
		return nil, err
	}
	o.add("close API client", func() error { o.api.client.Close(); return nil })
	if o.bucket, err = bucket.NewLocal(out); err != nil {
		return o, &inputError{err}
	}
	client, stop := embeddedRedis()
	o.redis = client
	o.add("stop embedded Redis", stop)
	if o.gate, err = newGate(admission.New(admission.Options{Redis: client, Prefix: redisPrefix}), s); err != nil {
		return o, err
	}
	o.gate.budgets[m.Name], o.gate.windows[m.Name] = m.Budget, m.Window
	o.log, o.sent = results.NewLog(o.bucket, m.Name), results.NewSent(o.bucket, m.Name)
	return o, o.readState(ctx)
}

// readState reads what earlier runs left and refuses to mix worlds.
func (o *session) readState(ctx context.Context) error {
	state, err := readState(ctx, o.bucket, o.manifest.Name)
	if err != nil || state == nil {
		return err
	}
	o.state = state
	return state.agree(o.manifest.Mode, o.api.name, o.bucket.Path(o.manifest.Name))
}

// asInput marks errors of opening a manifest as the caller's, problems apart,
// which are so by themselves.
func asInput(err error) error {
	if _, problems := errors.AsType[*manifest.Problems](err); problems {
		return err
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return &inputError{err}
	}
	return &inputError{fmt.Errorf("read manifest: %w", err)}
}

// plan checks, compares and prices the manifest. It spends and writes nothing.
func (o *session) plan(ctx context.Context, waiting func(job.WaitReason, time.Duration)) (*plan.Plan, error) {
	limits := plan.Limits{RequestsPerMinute: o.settings.RequestsPerMinute, Parallel: o.settings.Parallel}
	spent, err := o.spent(ctx)
	if err != nil {
		return nil, err
	}
	if o.manifest.Budget != nil {
		limits.Caps = append(limits.Caps, plan.Cap{Scope: "batch budget", CU: *o.manifest.Budget, Spent: spent})
	}
	if o.gate.limits.KeyCU != nil {
		limits.Caps = append(limits.Caps, plan.Cap{Scope: "NIGHTSHIFT_MAX_CU", CU: *o.gate.limits.KeyCU, Spent: spent})
	}
	options := plan.Options{
		Manifest: o.manifest, Catalog: o.api.client, Limits: limits, Pace: o.gate.pace, Waiting: waiting,
	}
	if o.state != nil {
		options.Results = o.kept(ctx)
	}
	return plan.Make(ctx, options)
}

// spent is what earlier runs of the batch have spent, by its results log.
func (o *session) spent(ctx context.Context) (job.CU, error) {
	if o.state == nil {
		return 0, nil
	}
	var report results.Report
	if err := o.log.Tally(ctx, &report); err != nil {
		return 0, err
	}
	return report.CU.Billed - report.CU.Refunded, nil
}
