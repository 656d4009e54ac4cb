package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/admission"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/manifest"
	"nightshift/internal/results"
)

// fleetView is what a command sees of a fleet: the bucket, and Redis where there is
// one. It never works on jobs.
type fleetView struct {
	cleanup
	process   Process
	settings  config.Settings
	logger    *slog.Logger
	bucket    objects
	prefix    string                // of all keys of the bucket in Redis
	redis     redis.UniversalClient // nil without one
	fleet     *fleet.Fleet          // likewise
	admission *admission.Admission  // likewise
	blind     string                // why there is no Redis; "" if there is one
	// hasty keeps it from reading whole logs where Redis can be asked: it looks all the
	// time.
	hasty bool
}

// openFleet opens the bucket, which must be there, and Redis, which need not.
func openFleet(ctx context.Context, p Process, s config.Settings) (*fleetView, error) {
	v := &fleetView{process: p, settings: s}
	var err error
	if v.logger, err = newLogger(p.Stderr, s, slog.LevelError); err != nil {
		return nil, err
	}
	if v.bucket, err = inBucket("")(ctx, s, v.logger); err != nil {
		return nil, err
	}
	id, err := readIdentity(ctx, v.bucket)
	if err != nil {
		return nil, err
	}
	v.prefix = prefixOf(id)
	switch {
	case p.redis != nil:
		v.redis = p.redis
	case s.Redis == "":
		v.blind = config.RedisVariable + " is not set here"
	default:
		if v.redis, err = serverRedis(ctx, s); err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			v.redis, v.blind = nil, err.Error()
			break
		}
		v.add("close Redis", v.redis.Close)
	}
	if v.redis != nil {
		v.sees()
	}
	return v, nil
}

// sees makes what reads the Redis of the view.
func (v *fleetView) sees() {
	v.fleet = fleet.New(v.redis, v.prefix)
	v.admission = admission.New(admission.Options{Redis: v.redis, Prefix: v.prefix})
}

// of is the view of one batch: without a server, one into the Redis of the run that works
// on it, if any does.
func (v *fleetView) of(ctx context.Context, batch string) *fleetView {
	if v.redis != nil || v.settings.Redis != "" {
		return v
	}
	client := redisOfRun(v.bucket.Path(batch))
	v.add("leave the run of "+batch, client.Close)
	if !answers(ctx, client) {
		return v
	}
	own := *v
	own.redis, own.blind = client, ""
	own.sees()
	return &own
}

// withFleet opens the fleet for a command and closes what was opened.
func withFleet(ctx context.Context, p Process, s config.Settings, command func(*fleetView) error) error {
	v, err := openFleet(ctx, p, s)
	if err != nil {
		return err
	}
	return errors.Join(command(v), v.cleanup.run())
}

// liveFolder can stand before the name of a live batch, to tell it from a test batch
// of the same name.
const liveFolder = "live"

// find is the id of the batch that an argument means: a manifest's, one of this id, or
// one of this name. It is an input error if there is none, or two.
func (v *fleetView) find(ctx context.Context, arg string) (string, error) {
	if info, err := os.Stat(arg); err == nil && info.Mode().IsRegular() {
		m, err := manifest.Open(arg)
		if err != nil {
			return "", asInput(err)
		}
		return v.known(ctx, m.Batch(), arg)
	}
	name, live := strings.CutPrefix(arg, liveFolder+"/")
	if live || strings.Contains(name, "/") {
		return v.known(ctx, name, arg)
	}
	var found []string
	for _, batch := range []string{name, testFolder + "/" + name} {
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
		return "", v.noBatch(arg)
	case 1:
		return found[0], nil
	default:
		return "", &inputError{&job.HintedError{
			Err:  fmt.Errorf("%q is the name of two batches, %s/%s and %s", arg, liveFolder, name, found[1]),
			Hint: "name one of the two in full",
		}}
	}
}

// known is the batch, if there is one.
func (v *fleetView) known(ctx context.Context, batch, arg string) (string, error) {
	there, err := v.exists(ctx, batch)
	if err == nil && !there {
		err = v.noBatch(arg)
	}
	return batch, err
}

func (v *fleetView) noBatch(arg string) error {
	return &inputError{&job.HintedError{
		Err:  fmt.Errorf("%q is neither a manifest nor a batch in %s", arg, v.bucket.Path("")),
		Hint: "enqueue ls shows the batches; enqueue submit makes one of a manifest",
	}}
}

// exists reports whether a batch of this id was submitted, or run, in the bucket.
func (v *fleetView) exists(ctx context.Context, batch string) (bool, error) {
	if !validBatch(batch) {
		return false, nil
	}
	o, err := readOrder(ctx, v.bucket, batch)
	if err != nil || o != nil {
		return o != nil, err
	}
	state, err := readState(ctx, v.bucket, batch)
	return state != nil, err
}

// validBatch reports whether a text can be the id of a batch at all, before it becomes
// part of an object key.
func validBatch(batch string) bool {
	name := strings.TrimPrefix(batch, testFolder+"/")
	return name != "" && name != testFolder && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_") &&
		!strings.ContainsFunc(name, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
		})
}

// findAll are the ids that arguments mean, each once; without any, those of all
// batches that workers have to do with.
func (v *fleetView) findAll(ctx context.Context, args []string) ([]string, error) {
	if len(args) == 0 {
		return openBatches(ctx, v.bucket)
	}
	var batches []string
	for _, arg := range args {
		batch, err := v.find(ctx, arg)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(batches, batch) {
			batches = append(batches, batch)
		}
	}
	return batches, nil
}

// theOne is the batch that an argument means; without any, the only one that workers
// have to do with.
func (v *fleetView) theOne(ctx context.Context, args []string) (string, error) {
	batches, err := v.findAll(ctx, args)
	switch {
	case err != nil:
		return "", err
	case len(batches) == 1:
		return batches[0], nil
	case len(batches) == 0:
		return "", &inputError{&job.HintedError{Err: errors.New("no batch is open"), Hint: "name one; enqueue ls shows all"}}
	default:
		return "", &inputError{&job.HintedError{
			Err: fmt.Errorf("%d batches are open: %s", len(batches), strings.Join(batches, ", ")), Hint: "name one of them",
		}}
	}
}

// announce tells the workers that something is new, and reports whether they heard.
// Without that they find it at their next round.
func (v *fleetView) announce(ctx context.Context) (heard bool, err error) {
	if v.fleet == nil {
		return false, nil
	}
	return true, v.fleet.Announce(ctx)
}

// laterWords say when workers act on what they were not told of.
const laterWords = "workers find out at their next round, within half a minute"

// storedReport is the report of the last run or order of a batch that is over; nil if there
// is none.
func storedReport(ctx context.Context, b objects, batch string) (*results.Report, error) {
	report := new(results.Report)
	found, err := readJSON(ctx, b, batch+"/report.json", report)
	if err != nil || !found {
		return nil, err
	}
	return report, nil
}
