package worker

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"nightshift/internal/batch"
	"nightshift/internal/fleet"
	"nightshift/internal/job"
	"nightshift/internal/plan"
)

const (
	// chainTick is how often the leader looks for images that others wait for. Where a look
	// takes long, as in a large log on S3, it looks less often.
	chainTick  = 500 * time.Millisecond
	chainShare = 5
	// pendingMost is how many jobs wait for images of others while the feed goes on.
	pendingMost = 10_000
)

// chain holds jobs back until the images are there that they take.
type chain struct {
	of       string    // the submission
	start    time.Time // of the submission
	looked   bool      // what is new since is of it, even if it does not say so
	needed   map[job.ID]*neededJob
	follower *batch.Follower
	next     time.Time // when the logs are looked at again
	pending  []*job.Job
	highest  int // index that was given so far
}

// neededJob is a job whose images others take.
type neededJob struct {
	row    string
	status plan.Status
	apiKey string
	images []job.Image     // once they are stored
	failed *job.NeedFailed // why there are none
}

// newChain finds out which jobs of the plan others need, and notes with the feed what is left
// to give from where it was left.
func (s *leader) newChain(ctx context.Context, held *knownBatch, start time.Time, done map[job.ID]plan.Status, feed *fleet.Feed) (*chain, error) {
	c := &chain{of: held.submission.ID, start: start, needed: make(map[job.ID]*neededJob), follower: held.Log.Follow(false), highest: -1}
	for planned, err := range batch.PlannedJobs(ctx, s.Bucket, held.submission.Plan) {
		if err != nil {
			return nil, err
		}
		for _, id := range planned.Needs() {
			if c.needed[id] == nil {
				c.needed[id] = new(neededJob)
			}
		}
	}
	feed.Unfed, feed.Held = 0, 0
	for planned, err := range batch.PlannedJobs(ctx, s.Bucket, held.submission.Plan) {
		if err != nil {
			return nil, err
		}
		status := planned.Status
		if found := done[planned.ID]; found != "" {
			status = found
		}
		c.expect(&planned.Job, status, feed)
	}
	return c, c.look(ctx)
}

// expect notes what a job of the plan is to the submission. A plan has a job after those whose
// images it takes.
func (c *chain) expect(j *job.Job, status plan.Status, feed *fleet.Feed) {
	if need := c.needed[j.ID]; need != nil {
		need.row, need.status = j.Row, status
	}
	if !status.Runs() || j.Index < feed.Fed {
		return
	}
	feed.Unfed += j.Quote
	if c.holds(j) {
		feed.Held++
	}
}

// holds reports whether a job takes what another one is still to make.
func (c *chain) holds(j *job.Job) bool {
	return slices.ContainsFunc(j.Needs(), func(id job.ID) bool { return c.needed[id].status.Runs() })
}

// look reads what has ended since the last look.
func (c *chain) look(ctx context.Context) error {
	began := time.Now()
	for result, err := range c.follower.Next(ctx) {
		if err != nil {
			return err
		}
		need := c.needed[result.Job]
		if need == nil {
			continue
		}
		ofNow := result.Of(c.of, c.start) || c.looked && result.Order == ""
		switch {
		// An image that was there shortly before serves as well as the same one made again.
		case result.State == job.Succeeded && (ofNow || need.status == plan.Kept || result.Recorded.After(c.start.Add(-clocksApart))):
			need.images, need.apiKey, need.failed = result.Images, result.APIKey, nil
		case result.State == job.Failed && (ofNow || need.status == plan.FailedBefore) && need.images == nil:
			need.failed = rootOf(&result)
		}
	}
	c.looked = true
	c.next = time.Now().Add(max(chainTick, chainShare*time.Since(began)))
	return nil
}

// rootOf is the job by whose failure others fail: of a chain the first.
func rootOf(result *job.Result) *job.NeedFailed {
	if root, ok := job.ParseNeedFailed(result.Reason); ok && result.Kind == job.KindNeed {
		return &root
	}
	return &job.NeedFailed{Row: result.Row, Reason: result.Reason}
}

// order yields the jobs, each as soon as what it takes is there. A nil job says that it waits.
func (c *chain) order(ctx context.Context, jobs iter.Seq2[*job.Job, error]) iter.Seq2[*job.Job, error] {
	return func(yield func(*job.Job, error) bool) {
		for j, err := range jobs {
			if err != nil {
				yield(nil, err)
				return
			}
			if !c.settled(j) {
				c.pending = append(c.pending, j)
			} else if !yield(j, nil) {
				return
			}
			if !c.release(ctx, pendingMost, yield) {
				return
			}
		}
		c.release(ctx, 1, yield)
	}
}

// release yields pending jobs whose needs are there by now, and waits while as many as most
// are left.
func (c *chain) release(ctx context.Context, most int, yield func(*job.Job, error) bool) bool {
	for told := false; len(c.pending) > 0; told = true {
		full := len(c.pending) >= most
		if !full && time.Now().Before(c.next) {
			return true
		}
		if full && told {
			rest(ctx, time.Until(c.next))
		}
		err := context.Cause(ctx)
		if err == nil {
			err = c.look(ctx)
		}
		if err != nil {
			yield(nil, err)
			return false
		}
		for i := 0; i < len(c.pending); {
			j := c.pending[i]
			if !c.settled(j) {
				i++
				continue
			}
			c.pending = slices.Delete(c.pending, i, i+1)
			if !yield(j, nil) {
				return false
			}
		}
		if full && !yield(nil, nil) {
			return false
		}
	}
	return true
}

// settled reports whether it is known what became of all that a job takes, and notes that with
// the job.
func (c *chain) settled(j *job.Job) bool {
	made := make(map[string]job.Made)
	for _, p := range j.Pictures() {
		if p.Job == "" {
			continue
		}
		need := c.needed[p.Job]
		switch {
		case need.failed != nil:
			j.NeedFailed = need.failed
			return true
		case need.images == nil:
			return false
		case p.Image >= len(need.images):
			j.NeedFailed = &job.NeedFailed{Row: need.row, Reason: fmt.Sprintf("it made no image %d", p.Image+1)}
			return true
		}
		image := need.images[p.Image]
		made[p.String()] = job.Made{Key: image.Key, Asset: image.Asset, APIKey: need.apiKey}
	}
	if len(made) > 0 {
		j.Made = made
	}
	return true
}

// advance notes with the feed which jobs were given: who leads next begins at the first that
// waits.
func (c *chain) advance(feed *fleet.Feed, jobs []*job.Job) {
	for _, j := range jobs {
		c.highest = max(c.highest, j.Index)
		feed.Unfed = max(0, feed.Unfed-j.Quote)
		if c.holds(j) {
			feed.Held = max(0, feed.Held-1)
		}
	}
	feed.Fed = c.highest + 1
	for _, j := range c.pending {
		feed.Fed = min(feed.Fed, j.Index)
	}
}
