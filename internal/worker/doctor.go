package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/admission"
	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/text"
)

// finding is the outcome of one start-up check.
type finding struct {
	what string // that was looked at
	says string // what was found
	err  error  // why a worker cannot work so; nil if it can
	warn string // what is better mended, though it works
}

// checkTime bounds one check.
const checkTime = 30 * time.Second

// findings looks at everything a worker needs. Nothing is paid, and what it writes it
// takes away again.
func (w *Worker) findings(ctx context.Context) []finding {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	return append([]finding{w.checkRedis(ctx), w.checkFleet(ctx), w.checkBucket(ctx)}, w.checkKeys(ctx)...)
}

// Doctor is the command worker doctor: the checks alone.
func Doctor(ctx context.Context, p app.Process) (err error) {
	w, err := newWorker(ctx, p)
	if w != nil {
		defer func() { err = errors.Join(err, w.Cleanup.Run()) }()
	}
	if err != nil {
		return err
	}
	bad := 0
	for _, f := range w.examine(ctx) {
		f.write(p.Stdout)
		if f.err != nil {
			bad++
		}
	}
	if bad > 0 {
		return &job.InputError{Err: fmt.Errorf("%s must be mended before a worker can work", text.Count(bad, "thing"))}
	}
	return nil
}

// examine is [worker.findings] where Redis may not be reached: what else is wrong is
// told with it.
func (w *Worker) examine(ctx context.Context) []finding {
	client, err := app.ConnectFleet(ctx, w.process, w.settings)
	if err != nil {
		ctx, cancel := context.WithTimeout(ctx, checkTime)
		defer cancel()
		return append([]finding{{what: config.RedisVariable, err: err}, w.checkBucket(ctx)}, w.checkKeys(ctx)...)
	}
	w.Redis = client
	if w.process.Redis == nil {
		w.Add("close Redis", client.Close)
	}
	if id, err := bucket.ReadIdentity(ctx, w.Bucket); err == nil && id != "" { // else nobody works here yet
		w.admission = admission.New(admission.Options{Redis: client, Prefix: app.RedisPrefix(id)})
	}
	return w.findings(ctx)
}

func (f finding) write(out io.Writer) {
	switch {
	case f.err != nil:
		fmt.Fprintf(out, "fail  %s: %v\n", f.what, f.err)
		if hint := job.Hint(f.err); hint != "" {
			fmt.Fprintf(out, "      hint: %s\n", hint)
		}
	case f.warn != "":
		fmt.Fprintf(out, "warn  %s: %s\n      %s\n", f.what, f.says, f.warn)
	default:
		fmt.Fprintf(out, "ok    %s: %s\n", f.what, strings.ReplaceAll(f.says, "\n", "\n      "))
	}
}

// startChecked refuses to start where a person must mend something first, all of it
// told at once. A bucket that is full, and a bucket or Redis that is away, is waited for: a
// worker that is restarted meanwhile is not set up wrongly.
func (w *Worker) startChecked(ctx context.Context) error {
	for {
		found := w.findings(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		away := slices.IndexFunc(found, func(f finding) bool {
			return f.err != nil && (passes(f.err) || bucket.Full(f.err))
		})
		if away < 0 {
			return w.tellFindings(ctx, found)
		}
		err := found[away].err
		w.Logger.WarnContext(ctx, "redis or bucket cannot be used at the moment, waiting for it", "what", found[away].what, "err", err, "hint", job.Hint(err))
		rest(ctx, awayRest)
	}
}

// awayRest is the pause before a bucket that was away is tried again.
const awayRest = time.Second

func (w *Worker) tellFindings(ctx context.Context, found []finding) error {
	var wrong []error
	for _, f := range found {
		switch {
		case f.err != nil:
			text := fmt.Sprintf("%s: %v", f.what, f.err)
			if hint := job.Hint(f.err); hint != "" {
				text += "\nhint: " + hint // each beside its own
			}
			wrong = append(wrong, errors.New(text))
		case f.warn != "":
			w.Logger.WarnContext(ctx, "start-up check", "what", f.what, "found", f.says, "hint", f.warn)
		default:
			first, _, _ := strings.Cut(f.says, "\n") // the rest is in the bucket's own line
			w.Logger.InfoContext(ctx, "start-up check", "what", f.what, "found", first)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return &job.InputError{Err: errors.Join(wrong...)}
}

// leastRedis is the oldest version that has what the task queue asks of it.
const leastRedis = "6.2"

func (w *Worker) checkRedis(ctx context.Context) finding {
	f := finding{what: config.RedisVariable}
	info, err := w.Redis.Info(ctx).Result() // all sections: only later versions take several names
	if app.RedisFailed(err) {
		f.err = err
		return f
	}
	if err != nil {
		f.says, f.warn = "it does not tell its version and settings: "+err.Error(), "let the user of the URL run INFO"
		return f
	}
	fields := infoFields(info)
	version, policy := fields["redis_version"], fields["maxmemory_policy"]
	f.says = "Redis " + version
	switch {
	case version != "" && older(version, leastRedis):
		f.err = &job.HintedError{Err: fmt.Errorf("it is version %s", version), Hint: "use Redis " + leastRedis + " or later"}
	case policy != "" && policy != "noeviction":
		f.err = &job.HintedError{
			Err:  fmt.Errorf("its maxmemory-policy is %s, which deletes jobs and reservations when memory is short", policy),
			Hint: "set maxmemory-policy noeviction",
		}
	case fields["aof_enabled"] == "0":
		f.warn = "its append-only file is off: after a restart all is counted again from the bucket, which takes a while; set appendonly yes"
	default:
		f.says += ", noeviction, append-only file"
	}
	return f
}

// infoFields reads what INFO answers.
func infoFields(info string) map[string]string {
	fields := make(map[string]string)
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields
}

// older compares two versions by their numbers.
func older(version, least string) bool {
	return slices.Compare(numbers(version), numbers(least)) < 0
}

func numbers(version string) []int {
	var parts []int
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		parts = append(parts, n)
	}
	return parts
}

// probeKey is an object that the check of the bucket writes and deletes.
const probeKey = "_nightshift/probe/"

func (w *Worker) checkBucket(ctx context.Context) finding {
	f := finding{what: config.BucketVariable, says: w.Bucket.Path("") + " takes and gives back objects"}
	if server, ok := w.Bucket.(*bucket.S3); ok {
		found, err := server.Probe(ctx)
		if err != nil {
			f.err = err
			return f
		}
		f.says += "\n" + strings.TrimRight(found.String(), "\n")
	}
	key, text := probeKey+w.name, "probe of "+w.name
	err := w.Bucket.Put(ctx, key, strings.NewReader(text))
	if err == nil {
		err = w.readBack(ctx, key, text)
	}
	f.err = errors.Join(err, w.Bucket.Delete(ctx, key))
	return f
}

func (w *Worker) readBack(ctx context.Context, key, text string) error {
	body, err := w.Bucket.Open(ctx, key)
	if err != nil {
		return err
	}
	defer body.Close() // only read from
	got, err := io.ReadAll(io.LimitReader(body, batch.MaxJSON))
	if err == nil && string(got) != text {
		err = fmt.Errorf("it gave %q back for %q", got, text)
	}
	return err
}

// checkFleet looks at what enter claims, and claims nothing.
func (w *Worker) checkFleet(ctx context.Context) finding {
	name, claims := w.settings.Fleet, fleet.NewClaims(w.Redis)
	found := finding{what: config.FleetVariable, says: fmt.Sprintf("fleet %q is free on this Redis, and takes this bucket", name)}
	id, err := bucket.ReadIdentity(ctx, w.Bucket)
	ours := fleet.Claim{Identity: id, Bucket: w.Bucket.Path("")}
	holder, failed := claims.Holder(ctx, name)
	if err = errors.Join(err, failed); err == nil && id != "" {
		err = app.CheckCopy(ctx, claims, ours)
	}
	other := ""
	if err == nil {
		other, err = app.ServedByAnother(ctx, claims, w.Bucket)
	}
	switch {
	case err != nil:
		found.err = err
	case other != "":
		found.says = "this bucket was worked on by workers of another Redis, at " + other
		found.warn = "stop those first: a worker of this one begins 25 seconds after the last of them, and is refused until then"
	case holder == fleet.Claim{}:
	case holder.Identity == id || id == "" && holder.Bucket == ours.Bucket:
		found.says = fmt.Sprintf("fleet %q on this Redis works on this bucket", name)
	default:
		found.err = app.OtherBucket(claims, name, holder, ours)
	}
	return found
}
