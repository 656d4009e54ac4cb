package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"nightshift/internal/job"
)

// gauges are the series of one scrape. Each scrape makes its own, so that what is
// not in it any more is gone and scrapes do not meet.
type gauges struct {
	redisUp, bucketUp, recovering *prometheus.GaugeVec

	jobs, blockedBy, useful, questions, batches       *prometheus.GaugeVec
	keyState, requestsLeft, running, ceiling, capUsed *prometheus.GaugeVec
}

func newGauges() *gauges {
	vec := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "nightshift_" + name, Help: help}, labels)
	}
	return &gauges{
		redisUp:    vec("redis_up", "Whether Redis answered in time when it was asked how things stand."),
		bucketUp:   vec("bucket_up", "Whether the bucket answers."),
		recovering: vec("recovering", "Whether Redis lost state that is being restored."),

		jobs:      vec("lane_jobs", "Unfinished jobs of a lane, by state.", "lane", "state"),
		blockedBy: vec("lane_blocked_by", "Whether this reason blocks the lane.", "lane", "reason"),
		useful:    vec("lane_useful_jobs", "Jobs that the limits would let run now if there were workers for them.", "lane"),
		questions: vec("questions", "Lost replies that wait for a person to decide.", "lane"),
		batches:   vec("batches", "Unfinished batches, by state.", "state"),

		keyState:     vec("key_state", "Whether the API key is in this state.", "api_key", "state"),
		requestsLeft: vec("key_requests_left", "Requests that the API key may still send in this minute.", "api_key"),
		running:      vec("key_running", "Jobs that run with the API key, or with its team where that has the ceiling.", "api_key"),
		ceiling:      vec("key_ceiling", "How many jobs may run with the API key.", "api_key"),
		capUsed: vec("cap_used_ratio", "CU spent and reserved, over the cap; above 1 only after a cap was lowered.",
			"scope", "name", "period"),
	}
}

func (g *gauges) all() []*prometheus.GaugeVec {
	return []*prometheus.GaugeVec{
		g.redisUp, g.bucketUp, g.recovering, g.jobs, g.blockedBy, g.useful, g.questions, g.batches,
		g.keyState, g.requestsLeft, g.running, g.ceiling, g.capUsed,
	}
}

// local shows what the process knows without Redis.
func (g *gauges) local(s Status) {
	flag(g.bucketUp, s.Bucket)
	flag(g.recovering, s.Recovering)
	for _, lane := range s.Lanes {
		blocked := ""
		if lane.Blocked != "" {
			blocked = closed(string(lane.Blocked), waitReasons)
		}
		oneOf(g.blockedBy, named(lane.Name), blocked, waitReasons)
	}
}

// shared shows what Redis holds.
func (g *gauges) shared(s Status, keyStates []string) {
	for _, lane := range s.Lanes {
		g.lane(lane)
	}
	for _, state := range batchStates {
		g.batches.WithLabelValues(state)
	}
	for state, batches := range s.Batches {
		g.batches.WithLabelValues(closed(state, batchStates)).Add(float64(batches))
	}
	for _, key := range s.Keys {
		g.key(key, keyStates)
	}
	for _, c := range s.Caps {
		g.capUsed.WithLabelValues(closed(c.Scope, capScopes), named(c.Name), closed(c.Period, capPeriods)).Set(usedRatio(c))
	}
}

func (g *gauges) lane(lane Lane) {
	name := named(lane.Name)
	for _, state := range laneStates {
		g.jobs.WithLabelValues(name, state)
	}
	for state, jobs := range lane.Jobs {
		if !state.Final() {
			g.jobs.WithLabelValues(name, closed(string(state), laneStates)).Add(float64(jobs))
		}
	}
	g.useful.WithLabelValues(name).Set(float64(lane.Useful))
	g.questions.WithLabelValues(name).Set(float64(lane.Questions))
}

func (g *gauges) key(key Key, states []string) {
	id := named(key.ID)
	oneOf(g.keyState, id, closed(key.State, states), states)
	g.running.WithLabelValues(id).Set(float64(key.Running))
	if key.RequestsLeft >= 0 {
		g.requestsLeft.WithLabelValues(id).Set(float64(key.RequestsLeft))
	}
	if key.Ceiling > 0 {
		g.ceiling.WithLabelValues(id).Set(float64(key.Ceiling))
	}
}

// oneOf shows 1 for the value that holds, which may be none, and 0 for all others.
func oneOf(vec *prometheus.GaugeVec, name, holds string, values []string) {
	for _, value := range append([]string{other}, values...) {
		vec.WithLabelValues(name, value).Set(number(value == holds))
	}
}

func flag(vec *prometheus.GaugeVec, f Flag) {
	if f != NotKnown {
		vec.WithLabelValues().Set(number(f == Yes))
	}
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// usedRatio is how full a cap is. One that allows nothing is full.
func usedRatio(c Cap) float64 {
	if c.Limit <= 0 {
		return 1
	}
	return float64(max(job.CU(0), c.Used)) / float64(c.Limit)
}
