package batch

import (
	"nightshift/internal/job"
)

// laneName names the lane of a pool: "default/live".
func laneName(pool string, mode job.Mode) string {
	if pool == "" {
		pool = job.DefaultPool
	}
	return pool + "/" + string(mode)
}

// LanePool is the name of a lane's jobs in Redis, in one epoch of it. No batch can have
// it, so that a run beside the fleet never touches them. Each epoch has jobs of its own:
// a worker that stood still, and does not know yet that its epoch is over, cannot take
// anything from the one that goes on, nor add to it.
func LanePool(lane, epoch string) string { return "lane " + lane + " " + epoch }
