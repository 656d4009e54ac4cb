package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/redis/go-redis/v9"

	"nightshift/internal/admission"
	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/bucket"
	"nightshift/internal/config"
	"nightshift/internal/job"
	"nightshift/internal/pool"
	"nightshift/internal/provider"
	"nightshift/internal/redisclient"
	"nightshift/internal/text"
	"nightshift/internal/view"
)

type keysOptions struct {
	out       string
	json      bool
	reconcile bool
}

// keysCommand holds the parts of the command keys.
type keysCommand struct {
	app.Cleanup
	settings config.Settings
	bucket   bucket.Objects
	prefix   string // of all keys of the bucket in Redis
	ring     *pool.Keyring
	pools    map[string]string // of the keys, by id
}

// showKeys is the command keys: how every API key stands, as whatever counts them
// now says.
func showKeys(ctx context.Context, p app.Process, s config.Settings, o keysOptions) (err error) {
	c := &keysCommand{settings: s}
	defer func() { err = errors.Join(err, c.Cleanup.Run()) }()
	if err := c.open(ctx, p, app.InBucket(o.out)); err != nil {
		return err
	}
	if o.reconcile {
		return c.reconcile(ctx, p.Stdout, o.json)
	}
	standings, err := c.statuses(ctx)
	if err != nil {
		return err
	}
	if o.json {
		return text.WriteIndentedJSON(p.Stdout, map[string]any{"standings": standings})
	}
	for i, standing := range standings {
		if i > 0 {
			fmt.Fprintln(p.Stdout)
		}
		if err := writeStanding(p.Stdout, standing, time.Now()); err != nil {
			return err
		}
	}
	return nil
}

func (c *keysCommand) open(ctx context.Context, p app.Process, openBucket app.BucketOpener) error {
	rules, keys, pools, err := pool.EveryKey(c.settings, p.Environ)
	if err != nil {
		return &job.InputError{Err: err}
	}
	c.pools = pools
	if c.ring, err = pool.NewKeyring(func(key config.APIKey) (provider.Account, error) {
		return app.OpenProvider(key, app.ProviderOptions{})
	}, rules, keys); err != nil {
		return &job.InputError{Err: err}
	}
	c.Add("close API clients", c.ring.Close)
	logger, err := app.NewLogger(p.Stderr, c.settings, slog.LevelError)
	if err == nil {
		c.bucket, err = openBucket(ctx, c.settings, logger)
	}
	if err != nil {
		return err
	}
	id, err := bucket.ReadIdentity(ctx, c.bucket)
	c.prefix = app.RedisPrefix(id)
	return err
}

// statuses asks the Redis server, or the runs that go on in the folder, or else works
// out from the logs what was spent.
func (c *keysCommand) statuses(ctx context.Context) ([]pool.Status, error) {
	if c.settings.Redis != "" {
		client, err := app.ServerRedis(ctx, c.settings)
		if err != nil {
			return nil, &job.InputError{Err: err}
		}
		c.Add("close Redis", client.Close)
		g := c.limiter(client)
		counted, err := g.Admission.Join(ctx)
		if err != nil {
			return nil, err
		}
		if !counted { // emptied, or new: what it holds says nothing
			s, err := c.statusOfLogs(ctx)
			s.Source = "Redis at " + redisclient.At(c.settings.Redis.Reveal()) + " has counted nothing yet, or is being restored; spend by the logs of the batches in " + c.bucket.Path("")
			return []pool.Status{s}, err
		}
		s, err := g.Status(ctx, c.pools)
		s.Source = "Redis at " + redisclient.At(c.settings.Redis.Reveal())
		return []pool.Status{s}, err
	}
	batches, err := batch.BatchesOf(ctx, c.bucket)
	if err != nil {
		return nil, err
	}
	var standings []pool.Status
	for _, batch := range batches {
		s, there, err := c.statusOfRun(ctx, batch)
		if err != nil {
			return nil, err
		}
		if there {
			standings = append(standings, s)
		}
	}
	if len(standings) > 0 {
		return standings, nil
	}
	s, err := c.statusOfLogs(ctx)
	return []pool.Status{s}, err
}

func (c *keysCommand) limiter(client redis.UniversalClient) *pool.Limiter {
	return &pool.Limiter{
		Admission: admission.New(admission.Options{Redis: client, Prefix: c.prefix}),
		Keys:      c.ring, Requests: c.settings.RequestsPerMinute, Rules: func(string) pool.BatchRules { return pool.BatchRules{} },
	}
}

// statusOfRun asks the embedded Redis of a run, if there is one that goes on.
func (c *keysCommand) statusOfRun(ctx context.Context, batch string) (s pool.Status, there bool, err error) {
	client := view.RunRedis(c.bucket.Path(batch))
	c.Add("leave the run of "+batch, client.Close)
	if !view.Answers(ctx, client) {
		return s, false, nil // no run, or one that was killed
	}
	s, err = c.limiter(client).Status(ctx, c.pools)
	s.Source = "the run of " + batch
	return s, true, err
}

// statusOfLogs counts in an embedded Redis what the logs of batches say. Nothing runs.
func (c *keysCommand) statusOfLogs(ctx context.Context) (pool.Status, error) {
	client, _, stop := redisclient.Embedded()
	c.Add("stop embedded Redis", stop)
	g := c.limiter(client)
	if err := g.Admission.Begin(ctx); err != nil {
		return pool.Status{}, err
	}
	if err := batch.CountSpend(ctx, g.Admission, c.bucket, nil); err != nil {
		return pool.Status{}, err
	}
	s, err := g.Status(ctx, c.pools)
	s.Source = "no run goes on; spend by the logs of the batches in " + c.bucket.Path("")
	return s, err
}

// write prints the keys as a table, and the caps as another.
func writeStanding(out io.Writer, s pool.Status, now time.Time) error {
	fmt.Fprintf(out, "%s\n\n", s.Source)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tMODE\tSTATE\tRUNNING\tREQUESTS LEFT\tCU TODAY\tCU RESERVED\tCU IN ALL")
	for _, k := range s.Keys {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			k.ID, k.Mode, k.State, running(k), requestsLeft(k), k.SpentToday, k.Reserved, k.Spent)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, k := range s.Keys {
		if k.Why != "" {
			fmt.Fprintf(out, "\n%s: %s%s", k.ID, k.Why, untilWords(k.Until, now))
		}
	}
	fmt.Fprintln(out)
	if len(s.Caps) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	table = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CAP\tPERIOD\tCU\tSPENT\tRESERVED\tLEFT\tRESETS")
	for _, c := range s.Caps {
		resets := "never"
		if !c.Resets.IsZero() {
			resets = text.Moment(c.Resets)
		}
		fmt.Fprintf(table, "%s %s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Scope, c.Name, c.Period, c.Cap, c.Spent, c.Reserved, c.Left, resets)
	}
	return table.Flush()
}

func running(k pool.KeyStatus) string {
	if k.Ceiling == 0 {
		return fmt.Sprintf("%d of ?", k.Running)
	}
	return fmt.Sprintf("%d of %d", k.Running, k.Ceiling)
}

func requestsLeft(k pool.KeyStatus) string {
	if k.RequestsLeft < 0 {
		return "no limit"
	}
	return fmt.Sprintf("%d of %d", k.RequestsLeft, k.RequestsMost)
}

func untilWords(until, now time.Time) string {
	if !until.After(now) {
		return ""
	}
	return fmt.Sprintf("; until %s (in %s)", text.Moment(until), text.Span(until.Sub(now)))
}
