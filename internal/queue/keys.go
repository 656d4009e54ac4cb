package queue

import (
	"fmt"
	"strings"

	"nightshift/internal/job"
)

// The names and keys of a pool's queues. What stands in them is asynq's own layout,
// version 0.26: it has no call that asks whether a task is lost, none that moves a
// part of what waits, none that deletes tasks a dead process left running, and none
// of these takes a context. The tests hold the layout against asynq itself.

// priorities name the lanes of a pool.
var priorities = []job.Priority{job.Urgent, job.Normal, job.Overnight}

func (q *Queue) laneName(priority job.Priority) string { return q.tag + "-" + string(priority) }
func (q *Queue) collectName() string                   { return q.tag + "-collect" }

// names are all asynq queues of the pool.
func (q *Queue) names() []string {
	names := []string{q.collectName()}
	for _, priority := range priorities {
		names = append(names, q.laneName(priority))
	}
	return names
}

// taskID carries the generation, because an id that asynq has lost stays taken
// for ever.
func taskID(kind string, ref job.Ref, generation int) string {
	return fmt.Sprintf("%s:%s:%d", kind, ref, generation)
}

// taskRef is the job of a task.
func taskRef(id string) (job.Ref, error) {
	_, rest, _ := strings.Cut(id, ":")
	return job.ParseRef(rest[:max(0, strings.LastIndexByte(rest, ':'))])
}

// allQueuesKey is the set in which asynq keeps the names of all queues.
const allQueuesKey = "asynq:queues"

// prefix begins every key of a queue, and nothing else.
func prefix(queue string) string { return "asynq:{" + queue + "}:" }

func taskPrefix(queue string) string   { return prefix(queue) + "t:" }
func pendingKey(queue string) string   { return prefix(queue) + "pending" }
func activeKey(queue string) string    { return prefix(queue) + "active" }
func leaseKey(queue string) string     { return prefix(queue) + "lease" }
func scheduledKey(queue string) string { return prefix(queue) + "scheduled" }
func retryKey(queue string) string     { return prefix(queue) + "retry" }
func archivedKey(queue string) string  { return prefix(queue) + "archived" }
