package view

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/admission"
	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/suggest"
	"nightshift/internal/text"
)

// View is what a command sees of a fleet: the bucket, and Redis where there is
// one. It never works on jobs.
type View struct {
	app.Cleanup
	Process   app.Process
	Settings  config.Settings
	Logger    *slog.Logger
	Bucket    bucket.Objects
	Prefix    string                // of all keys of the bucket in Redis
	Redis     redis.UniversalClient // nil without one
	Fleet     *fleet.Fleet          // likewise
	admission *admission.Admission  // likewise
	blind     string                // why there is no Redis; "" if there is one
	// Hasty keeps it from reading whole logs where Redis can be asked: it looks all the
	// time.
	Hasty bool
}

// openFleet opens the bucket, which must be there, and Redis, which need not.
func openFleet(ctx context.Context, p app.Process, s config.Settings) (*View, error) {
	v := &View{Process: p, Settings: s}
	var err error
	if v.Logger, err = app.NewLogger(p.Stderr, s, slog.LevelError); err != nil {
		return nil, err
	}
	if v.Bucket, err = app.InBucket("")(ctx, s, v.Logger); err != nil {
		return nil, err
	}
	id, err := bucket.ReadIdentity(ctx, v.Bucket)
	if err != nil {
		return nil, err
	}
	v.Prefix = app.RedisPrefix(id)
	switch {
	case p.Redis != nil:
		v.Redis = p.Redis
	case s.Redis == "":
		v.blind = config.RedisVariable + " is not set here"
	default:
		if v.Redis, err = app.ServerRedis(ctx, s); err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			v.Redis, v.blind = nil, err.Error()+text.Brackets(job.Hint(err))
			break
		}
		v.Add("close Redis", v.Redis.Close)
	}
	if v.Redis != nil {
		v.Connect()
	}
	return v, nil
}

// Connect makes what reads the Redis of the view.
func (v *View) Connect() {
	v.Fleet = fleet.New(v.Redis, v.Prefix)
	v.admission = admission.New(admission.Options{Redis: v.Redis, Prefix: v.Prefix})
}

// Of is the view of one batch: of one that is run without a server, one into the Redis of
// the run that works on it, whatever the settings say.
func (v *View) Of(ctx context.Context, id string) (*View, error) {
	o, err := batch.ReadSubmission(ctx, v.Bucket, id)
	if err != nil || o == nil || !o.Local {
		return v, err
	}
	client := RunRedis(v.Bucket.Path(id))
	v.Add("leave the run of "+id, client.Close)
	own := *v
	own.Redis, own.Fleet, own.admission, own.blind = nil, nil, nil, "the Redis of its run cannot be asked"
	if Answers(ctx, client) {
		own.Redis, own.blind = client, ""
		own.Connect()
	}
	return &own, nil
}

// With opens the fleet for a command and closes what was opened.
func With(ctx context.Context, p app.Process, s config.Settings, command func(*View) error) error {
	v, err := openFleet(ctx, p, s)
	if err != nil {
		return err
	}
	return errors.Join(command(v), v.Cleanup.Run())
}

// liveFolder can stand before the name of a live batch, to tell it from a test batch
// of the same name.
const liveFolder = "live"

// Find is the id of the batch that an argument means: a manifest's, one of this id, or
// one of this name. It is an input error if there is none, or two.
func (v *View) Find(ctx context.Context, arg string) (string, error) {
	if info, err := os.Stat(arg); err == nil && info.Mode().IsRegular() {
		m, err := manifest.Open(arg)
		if err != nil {
			return "", app.AsInput(err)
		}
		if err := v.CheckSource(ctx, m, arg); err != nil {
			return "", err
		}
		return v.known(ctx, m.Batch(), arg)
	}
	name, live := strings.CutPrefix(arg, liveFolder+"/")
	if live || strings.Contains(name, "/") {
		return v.known(ctx, name, arg)
	}
	var found []string
	for _, batch := range []string{name, batch.TestFolder + "/" + name} {
		there, err := v.exists(ctx, batch)
		if err != nil {
			return "", err
		}
		if there {
			found = append(found, batch)
		}
	}
	switch len(found) {
	case 0:
		return "", v.noBatch(ctx, arg)
	case 1:
		return found[0], nil
	default:
		return "", &job.InputError{Err: &job.HintedError{
			Err:  fmt.Errorf("%q is the name of two batches, %s/%s and %s", arg, liveFolder, name, found[1]),
			Hint: "name one of the two in full",
		}}
	}
}

// known is the batch, if there is one.
func (v *View) known(ctx context.Context, batch, arg string) (string, error) {
	there, err := v.exists(ctx, batch)
	if err == nil && !there {
		err = v.noBatch(ctx, arg)
	}
	return batch, err
}

func (v *View) noBatch(ctx context.Context, arg string) error {
	hint := "enqueue ls shows the batches; enqueue submit makes one of a manifest"
	batches, err := batch.BatchesOf(ctx, v.Bucket)
	if err != nil {
		return err
	}
	names := slices.Clone(batches)
	for _, id := range batches {
		names = append(names, path.Base(id), liveFolder+"/"+id)
	}
	if meant := suggest.DidYouMean(arg, names, "%"); meant != "" {
		hint = meant + " " + hint
	}
	return &job.InputError{Err: &job.HintedError{
		Err: fmt.Errorf("%q is neither a manifest nor a batch in %s", arg, v.Bucket.Path("")), Hint: hint,
	}}
}

// exists reports whether a batch of this id was submitted, or run, in the bucket.
func (v *View) exists(ctx context.Context, id string) (bool, error) {
	if !validBatch(id) {
		return false, nil
	}
	o, err := batch.ReadSubmission(ctx, v.Bucket, id)
	if err != nil || o != nil {
		damaged := errors.Is(err, job.ErrDamaged)
		if damaged {
			err = nil // it is there all the same
		}
		return o != nil || damaged, err
	}
	state, err := batch.ReadState(ctx, v.Bucket, id)
	return state != nil, err
}

// validBatch reports whether a text can be the id of a batch at all, before it becomes
// part of an object key.
func validBatch(id string) bool {
	name := strings.TrimPrefix(id, batch.TestFolder+"/")
	return name != batch.TestFolder && manifest.ValidBatchName(name)
}

// CheckSource refuses a manifest in whose name there is a batch of another source.
func (v *View) CheckSource(ctx context.Context, m *manifest.Manifest, arg string) error {
	o, err := batch.ReadSubmission(ctx, v.Bucket, m.Batch())
	if err != nil || o == nil {
		return nil //nolint:nilerr // whoever reads it next says so, with what to do
	}
	source, err := batch.SourceOf(m)
	if err != nil || o.Source.Same(source) {
		return err
	}
	return &job.InputError{Err: &job.HintedError{
		Err:  fmt.Errorf("batch %s is not that of %s: it belongs to %s", m.Batch(), arg, o.Source),
		Hint: "name the batch that is meant, " + m.Batch() + " or another; enqueue ls shows all",
	}}
}

// FindAll are the ids that arguments mean, each once; without any, those of all
// open batches.
func (v *View) FindAll(ctx context.Context, args []string) ([]string, error) {
	if len(args) == 0 {
		return batch.OpenBatches(ctx, v.Bucket)
	}
	var batches []string
	for _, arg := range args {
		batch, err := v.Find(ctx, arg)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(batches, batch) {
			batches = append(batches, batch)
		}
	}
	return batches, nil
}

// TheOne is the batch that an argument means; without any, the only open one.
func (v *View) TheOne(ctx context.Context, args []string) (string, error) {
	batches, err := v.FindAll(ctx, args)
	switch {
	case err != nil:
		return "", err
	case len(batches) == 1:
		return batches[0], nil
	case len(batches) == 0:
		return "", &job.InputError{Err: &job.HintedError{Err: errors.New("no batch is open"), Hint: "name one; enqueue ls shows all"}}
	default:
		return "", &job.InputError{Err: &job.HintedError{
			Err: fmt.Errorf("%d batches are open: %s", len(batches), strings.Join(batches, ", ")), Hint: "name one of them",
		}}
	}
}

// Announce tells the workers that something is new, and reports whether they heard.
// Without that they find it at their next round.
func (v *View) Announce(ctx context.Context) (heard bool, err error) {
	if v.Fleet == nil {
		return false, nil
	}
	return true, v.Fleet.Announce(ctx)
}

// LaterWords say when workers act on what they were not told of.
const LaterWords = "workers find out at their next round, within half a minute"
