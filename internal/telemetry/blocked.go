package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"nightshift/internal/job"
)

// blockedTime makes a counter of the totals that the lanes deliver. It is fed by
// one reading after the other.
type blockedTime struct {
	seconds *prometheus.CounterVec
	last    map[blockedFor]time.Duration
}

type blockedFor struct {
	lane   string
	reason job.WaitReason
}

func newBlockedTime() *blockedTime {
	return &blockedTime{
		seconds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nightshift_lane_blocked_seconds_total",
			Help: "Time in which the lane stood still in this process, by reason.",
		}, []string{"lane", "reason"}),
		last: make(map[blockedFor]time.Duration),
	}
}

// feed adds what the totals rose by. One that fell started again, as after a lane was
// made again, and counts from zero.
func (b *blockedTime) feed(lanes []Lane) {
	for _, lane := range lanes {
		for reason, total := range lane.Waited {
			key := blockedFor{lane.Name, reason}
			rise := total - b.last[key]
			if rise < 0 {
				rise = total
			}
			b.last[key] = total
			b.seconds.WithLabelValues(named(lane.Name), closed(string(reason), waitReasons)).Add(max(0, rise).Seconds())
		}
	}
}
