package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/admission"
	"nightshift/internal/config"
	"nightshift/internal/document"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/plan"
)

// session holds the parts that both planning and running a manifest need.
type session struct {
	cleanup
	folder
	settings config.Settings
	logger   *slog.Logger
	manifest *manifest.Manifest
	api      *api
	redis    redis.UniversalClient
	prefix   string               // of all keys of the bucket in Redis
	embedded *miniredis.Miniredis // nil where redis is a server
	gate     *gate
	priced   *plan.QuoteFile // the prices of the last plan
	state    *batchState     // of earlier runs; nil if there were none
	started  time.Time
}

// opener opens the bucket that a command works in.
type opener func(ctx context.Context, s config.Settings, logger *slog.Logger) (objects, error)

// openSession makes the parts. It writes nothing, in memory apart.
func openSession(ctx context.Context, p Process, s config.Settings, file string, open opener) (*session, error) {
	m, err := manifest.Open(file)
	if err != nil {
		return nil, asInput(err)
	}
	o := &session{settings: s, manifest: m, started: time.Now()}
	if o.logger, err = newLogger(p.Stderr, s, slog.LevelError); err != nil {
		return nil, err
	}
	if o.api, err = connect(p, s, m.Mode, m.Pool); err != nil {
		return nil, err
	}
	o.add("close API clients", o.api.keys.close)
	b, err := open(ctx, s, o.logger)
	if err != nil {
		return o, err
	}
	o.folder = newFolder(b, m.Batch())
	var stop func() error
	if o.redis, o.embedded, stop, err = openRedis(ctx, p, s); err != nil {
		return o, err
	}
	o.add("close Redis", stop)
	id, err := readIdentity(ctx, b)
	if err != nil {
		return o, err
	}
	o.prefix = prefixOf(id)
	o.gate = &gate{
		admission: admission.New(admission.Options{Redis: o.redis, Prefix: o.prefix}),
		keys:      o.api.keys,
		requests:  s.RequestsPerMinute,
		rules:     func(string) batchRules { return batchRules{name: m.Name, budget: m.Budget, window: m.Window} },
	}
	return o, o.readState(ctx)
}

// readState reads what earlier runs left and refuses to mix worlds.
func (o *session) readState(ctx context.Context) error {
	state, err := readState(ctx, o.bucket, o.batch)
	if err != nil || state == nil {
		return err
	}
	o.state = state
	o.api.keys.remember(state.Keys)
	return state.agree(o.manifest.Mode, o.api.hosts(), o.bucket.Path(o.batch))
}

// asInput marks errors of opening a manifest as the caller's, problems apart,
// which are so by themselves.
func asInput(err error) error {
	if _, problems := errors.AsType[*document.Problems](err); problems {
		return err
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return &inputError{err}
	}
	return &inputError{fmt.Errorf("read manifest: %w", err)}
}

// plan checks, compares and prices the manifest. It spends nothing, and writes nothing
// but a temporary file.
func (o *session) plan(ctx context.Context, waiting func(job.WaitReason, time.Duration)) (*plan.Plan, error) {
	quotes, err := o.quotes(ctx)
	if err != nil {
		return nil, err
	}
	limits, err := o.planLimits(ctx)
	if err != nil {
		return nil, err
	}
	options := plan.Options{
		Manifest: o.manifest, Catalog: &catalog{keys: o.api.keys, fromFile: o.api.fromFile}, Limits: limits, Pace: o.gate.pace, Waiting: waiting,
		Quotes: quotes, Account: o.account(),
	}
	if o.state != nil {
		options.Results = o.kept(ctx)
	}
	p, err := plan.Make(ctx, options)
	if err != nil {
		return nil, err
	}
	o.priced = quotes
	o.add("remove the temporary file of the plan", p.Close)
	return p, nil
}

// account names what prices may differ by.
func (o *session) account() string { return strings.Join(o.api.hosts(), " ") }

// quotes are the prices that earlier plans of the batch asked for. A file that is
// damaged is as good as none: prices can be asked again.
func (o *session) quotes(ctx context.Context) (*plan.QuoteFile, error) {
	body, err := o.bucket.Open(ctx, o.batch+"/"+quotesName)
	if errors.Is(err, fs.ErrNotExist) {
		return new(plan.QuoteFile), nil
	}
	if err != nil {
		return nil, err
	}
	defer body.Close() // only read from
	quotes, err := plan.ReadQuotes(body)
	if err != nil {
		o.logger.WarnContext(ctx, "stored prices cannot be read, asking again", "err", err)
	}
	return quotes, nil
}

// identify makes sure of the bucket's identity before anything of it is written to Redis:
// a server's fleet must be that of this bucket.
func (o *session) identify(ctx context.Context) (err error) {
	id := ""
	if o.embedded != nil {
		id, err = identify(ctx, o.bucket)
	} else {
		id, err = claimFleet(ctx, fleet.NewClaims(o.redis), o.settings.Fleet, o.bucket)
	}
	if err != nil {
		return err
	}
	o.prefix = prefixOf(id)
	o.gate.admission = admission.New(admission.Options{Redis: o.redis, Prefix: o.prefix})
	return nil
}
