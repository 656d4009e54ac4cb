package telemetry

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// Follow asks read how things stand whenever somebody scrapes, until life is done;
// from then on nothing of it is shown. It is called once.
//
// read gets less than two seconds. An error says that Redis did not answer: then
// nightshift_redis_up is 0, and of the Standing that comes along only what the
// process itself knows is shown. The error is logged as a warning.
func (m *Metrics) Follow(life context.Context, read func(context.Context) (Status, error), logger *slog.Logger) {
	c := &collector{life: life, lists: m.lists, logger: logger.With(AttrComponent, "metrics"), blocked: newBlockedTime()}
	c.standing.read = func(ctx context.Context) (Status, error) {
		s, err := read(ctx)
		c.blocked.feed(s.Lanes)
		return s, err
	}
	m.registerer.MustRegister(c)
}

// collector shows a Standing.
type collector struct {
	life     context.Context
	lists    Lists
	logger   *slog.Logger
	standing shared[Status]
	blocked  *blockedTime
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	for _, vec := range newGauges().all() {
		vec.Describe(descs)
	}
	c.blocked.seconds.Describe(descs)
}

// Collect implements prometheus.Collector. It returns after two seconds at most.
func (c *collector) Collect(metrics chan<- prometheus.Metric) {
	s, err := c.standing.ask(c.life, c.life)
	if c.life.Err() != nil {
		return
	}
	g := newGauges()
	flag(g.redisUp, FlagOf(err == nil))
	g.local(s)
	if err == nil {
		g.shared(s, c.lists.KeyStates)
	} else {
		c.logger.WarnContext(c.life, "how things stand cannot be read, metrics are left out", AttrErr, err)
	}
	for _, vec := range g.all() {
		vec.Collect(metrics)
	}
	c.blocked.seconds.Collect(metrics)
}
