package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"nightshift/internal/admission"
	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/picture"
	"nightshift/internal/plan"
	"nightshift/internal/pool"
	"nightshift/internal/text"
)

// session holds the parts that both planning and running a manifest need.
type session struct {
	app.Cleanup
	batch.Folder
	settings config.Settings
	logger   *slog.Logger
	manifest *manifest.Manifest
	api      *pool.API
	redis    redis.UniversalClient
	identity string               // of the bucket, or the one that it gets
	prefix   string               // of all keys of the bucket in Redis
	embedded *miniredis.Miniredis // nil where redis is a server
	serving  *app.Serving         // keeps the bucket to that server; nil where it is embedded
	limiter  *pool.Limiter
	priced   *plan.QuoteFile // the prices of the last plan
	state    *batch.State    // of earlier runs; nil if there were none
	// stateLost says that state is put together from what else the folder holds.
	stateLost bool
	last      *batch.Submission // of the batch; nil if it had none
	started   time.Time
	source    batch.Source // of the manifest
	origin    originOptions
	// retryRefused lets jobs run again that were refused for their content and charged.
	retryRefused bool
	// replacePicked lets jobs run that replace picked images.
	replacePicked bool
	// rolling are rows that are rolled again by the submission that is made.
	rolling []string
	picks   *batch.Picks // as the last plan read them; nil without a batch
}

// originOptions say to which batch a manifest belongs.
type originOptions struct {
	name    string // of the batch, in place of the manifest's; "" for that
	replace bool   // the batch is taken over from another source
	format  string // of a manifest from the standard input; "" finds it out
}

// nameFlag is the flag --name as it was given, for further commands.
func (o originOptions) nameFlag() string {
	if o.name == "" {
		return ""
	}
	return "--name " + text.Quote(o.name) + " "
}

// standardInput names it in place of a manifest's file.
const standardInput = "-"

// openManifest opens a manifest under the name that the options give it. remove takes away
// what was kept of the standard input.
func openManifest(ctx context.Context, p app.Process, file string, o originOptions) (m *manifest.Manifest, remove func() error, err error) {
	remove = func() error { return nil }
	open := func() (*manifest.Manifest, func() error, error) {
		m, err := manifest.Open(file)
		return m, remove, err
	}
	switch {
	case file == standardInput && p.Stdin != nil:
		open = func() (*manifest.Manifest, func() error, error) { return manifest.OpenInput(p.Stdin, o.format) }
	case o.format != "":
		return nil, remove, &job.InputError{Err: &job.HintedError{
			Err: errors.New("--format is for a manifest from the standard input"), Hint: "give the file an ending that says its format, or name - and pipe it in",
		}}
	}
	m, kept, err := readManifest(ctx, open)
	if kept != nil {
		remove = kept
	}
	if err != nil {
		return nil, remove, app.AsInput(err)
	}
	if o.name != "" {
		return m, remove, m.Rename(o.name)
	}
	if file == standardInput && !m.Named {
		return nil, remove, &job.InputError{Err: &job.HintedError{
			Err: errors.New("a manifest from the standard input has no file that its batch could be named after"), Hint: "name the batch with --name NAME",
		}}
	}
	return m, remove, nil
}

// openSession makes the parts. It writes nothing, in memory apart.
func openSession(ctx context.Context, p app.Process, s config.Settings, file string, origin originOptions, open app.BucketOpener) (*session, error) {
	m, remove, err := openManifest(ctx, p, file, origin)
	o := &session{settings: s, manifest: m, started: time.Now(), origin: origin}
	o.Add("remove the temporary file of the manifest", remove)
	if err != nil {
		return o, err
	}
	if o.source, err = batch.SourceOf(m); err != nil {
		return o, err
	}
	if o.logger, err = app.NewLogger(p.Stderr, s, slog.LevelError); err != nil {
		return o, err
	}
	if o.api, err = pool.Connect(p, s, m.Mode, m.Pool); err != nil {
		return o, err
	}
	o.Add("close API clients", o.api.Keys.Close)
	b, err := open(ctx, s, o.logger)
	if err != nil {
		return o, err
	}
	o.Folder = batch.NewFolder(b, m.Batch())
	var stop func() error
	if o.redis, o.embedded, stop, err = app.OpenRedis(ctx, p, s); err != nil {
		return o, err
	}
	o.Add("close Redis", stop)
	id, err := bucket.ReadIdentity(ctx, b)
	if err != nil {
		return o, err
	}
	if err := o.checkNeverLive(ctx); err != nil {
		return o, err
	}
	// A new bucket gets its identity when all is known to be well. What is asked until then
	// counts in its request rate already.
	if o.identity = id; id == "" {
		o.identity = app.NewIdentity()
	}
	o.prefix = app.RedisPrefix(o.identity)
	ceilings, err := batch.ReadCeilings(ctx, b)
	if err != nil {
		return o, err
	}
	o.limiter = &pool.Limiter{
		Ceiling:   func(team string) int { return ceilings.Of(m.Mode, team) },
		Admission: admission.New(admission.Options{Redis: o.redis, Prefix: o.prefix}),
		Keys:      o.api.Keys,
		Requests:  s.RequestsPerMinute,
		Rules:     func(string) pool.BatchRules { return pool.BatchRules{Name: m.Name, Budget: m.Budget, Window: m.Window} },
	}
	return o, o.readState(ctx)
}

// readManifest opens a manifest, or ends with ctx: a large file takes seconds and a disk
// that stands still takes for ever, and neither can be stopped. What reads on then ends
// with the process.
func readManifest(ctx context.Context, open func() (*manifest.Manifest, func() error, error)) (*manifest.Manifest, func() error, error) {
	type opened struct {
		m      *manifest.Manifest
		remove func() error
		err    error
	}
	done := make(chan opened, 1)
	go func() {
		m, remove, err := open()
		done <- opened{m, remove, err}
	}()
	select {
	case o := <-done:
		return o.m, o.remove, o.err
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
}

// readState reads what earlier runs left and refuses to mix worlds.
func (o *session) readState(ctx context.Context) error {
	before, err := batch.ReadSubmission(ctx, o.Bucket, o.Batch)
	if err == nil {
		err = o.checkSource(before)
	}
	if err != nil {
		return err
	}
	o.last = before
	state, err := batch.ReadState(ctx, o.Bucket, o.Batch)
	if err == nil && state == nil {
		state, err = batch.LostState(ctx, o.Bucket, o.Batch, before, o.manifest.Mode)
		o.stateLost = state != nil
	}
	if err != nil || state == nil {
		return err
	}
	if before == nil && !o.origin.replace { // the folder knows, too
		if err := state.Source.Check(o.Batch, o.source); err != nil {
			return err
		}
	}
	o.state = state
	o.api.Keys.Remember(state.Keys)
	return state.Agree(o.manifest.Mode, o.api.Hosts(), o.Bucket.Path(o.Batch))
}

// checkSource refuses a batch that belongs to another source, unless it is to be taken over.
func (o *session) checkSource(before *batch.Submission) error {
	if before == nil || o.origin.replace {
		return nil
	}
	return before.Source.Check(o.Batch, o.source)
}

// plan checks, compares and prices the manifest. It spends nothing, and writes nothing
// but a temporary file.
func (o *session) plan(ctx context.Context, waiting func(job.WaitReason, time.Duration)) (*plan.Plan, error) {
	quotes, err := o.quotes(ctx)
	if err != nil {
		return nil, err
	}
	spending, err := batch.SpendingIn(ctx, o.Bucket)
	if err != nil {
		return nil, err
	}
	limits, err := o.limiter.PlanLimits(ctx, o.Batch, o.limiter.Rules(o.Batch), spending)
	if err != nil {
		return nil, err
	}
	options := plan.Options{
		Manifest: o.manifest, Catalog: &pool.Catalog{Keys: o.api.Keys, FromFile: o.api.FromFile}, Limits: limits, Pace: o.limiter.Pace, Waiting: waiting,
		Quotes: quotes, Account: o.account(), RetryRefused: o.retryRefused,
	}
	if o.state != nil {
		options.Results = o.Kept(ctx)
		if options.Refused, err = o.Refusals(ctx); err != nil {
			return nil, err
		}
		if o.picks, err = batch.ReadPicks(ctx, o.Bucket, o.Batch); err != nil {
			return nil, err
		}
		options.Marks = o.picks.Of
		if options.Picked, err = o.PickedOutputs(ctx, o.picks); err != nil {
			return nil, err
		}
		options.Rolls = o.roll
	}
	rules, err := o.settings.Links()
	if err != nil {
		return nil, err
	}
	links := picture.NewLinks(rules)
	o.Add("remove the pictures of links", links.Close)
	options.Links = links.Fetch
	p, err := plan.Make(ctx, options)
	if err != nil {
		return nil, o.lacking(ctx, err)
	}
	if o.stateLost {
		p.Warnings = append(p.Warnings, o.Bucket.Path(o.Batch+"/"+batch.StateName)+" is missing, which says with which keys the batch was made; "+
			"put it back from a copy if there is one. What is made is kept; what is under way is looked up with the keys of this run")
	}
	if warning := o.fromAnother(); warning != "" {
		p.Warnings = append(p.Warnings, warning)
	}
	o.priced = quotes
	o.Add("remove the temporary file of the plan", p.Close)
	return p, nil
}

// roll is how often a row was rolled again, the one that is about to be noted included.
func (o *session) roll(row string) int {
	roll := o.picks.Roll(row)
	if slices.Contains(o.rolling, row) {
		roll++
	}
	return roll
}

// noteRolls notes which rows are rolled again, before the plan that has them is handed over:
// whoever plans next makes the same jobs of them.
func (o *session) noteRolls(ctx context.Context) error {
	lines := make([]batch.Pick, len(o.rolling))
	now := time.Now().UTC().Truncate(time.Millisecond)
	for i, row := range o.rolling {
		lines[i] = batch.Pick{At: now, Row: row, Roll: o.roll(row)}
	}
	return batch.AppendPicks(ctx, o.Bucket, o.Batch, lines)
}

// keepPicked refuses a plan that replaces picked images without being asked to.
func (o *session) keepPicked(made *plan.Plan) error {
	if o.replacePicked || made.PickedReplaced == 0 {
		return nil
	}
	return &job.InputError{Err: &job.HintedError{
		Err: errors.New(made.PickedWords()),
		Hint: "take back what was changed in these rows, or give them another output name; one that was rolled again stays so: copy its image " +
			"to another place with enqueue export. To lose the picked images, give --replace-picked, or take back their marks with enqueue pick --clear",
	}}
}

// fromAnother warns where the batch was last submitted from another file that states its
// name: that may be meant, and may be a copy whose name was left as it was.
func (o *session) fromAnother() string {
	if o.last == nil || o.origin.replace {
		return ""
	}
	other := o.last.OtherFile(o.manifest)
	if other == "" {
		return ""
	}
	return fmt.Sprintf("batch %s was last submitted from %s, a file of its own that has the name %s, too: this one replaces its jobs, and images of one name; "+
		"if that is not meant, give this one a batch of its own with --name NAME", o.Batch, other, o.manifest.Name)
}

// account names what prices may differ by.
func (o *session) account() string { return strings.Join(o.api.Hosts(), " ") }

// quotes are the prices that earlier plans of the batch asked for. A file that is
// damaged is as good as none: prices can be asked again.
func (o *session) quotes(ctx context.Context) (*plan.QuoteFile, error) {
	body, err := o.Bucket.Open(ctx, o.Batch+"/"+batch.QuotesName)
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
		id, err = app.Identify(ctx, o.Bucket, o.identity)
	} else {
		id, err = app.ClaimFleetAs(ctx, fleet.NewClaims(o.redis), o.settings.Fleet, o.Bucket, o.identity)
		o.serving = app.NewServing(o.redis, o.settings, o.Bucket, id)
	}
	if err != nil {
		return err
	}
	o.prefix = app.RedisPrefix(id)
	o.limiter.Admission = admission.New(admission.Options{Redis: o.redis, Prefix: o.prefix})
	return nil
}
