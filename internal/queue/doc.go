// Package queue decides which jobs are due. It keeps a job record of every
// unfinished job in Redis (what it is to send, the intent written before the paid
// request, the receipt written after it, and what the provider said at its end)
// and the tasks that bring the job on. It is the only one that knows asynq.
//
// A job record exists from the moment a job is fed until its result is in the
// bucket. Then it is deleted and one bit of the batch's bitmap says that the job is
// over, so that memory holds a window of a batch and never the batch.
//
// Each key pool has a lane, with one asynq queue for each priority, and one queue
// of collect tasks. A task is parked until its deadline, woken earlier, and run
// again after an error, each kind in its own way. Tasks are short and safe to
// repeat: asynq promises at least once, and after a crash may run a task twice at
// the same time. A task carries the name of its job and nothing else.
//
// That nothing is paid twice is the business of the record's fence, never of an
// option of asynq. Every change of state is one script that also raises the fence.
// Whoever wants to change a record names the fence it was given; a process that
// was paused, or whose task was handed to another one, holds an old fence and its
// write fails with job.ErrFenced.
//
// Nothing in here needs to be kept for ever: the plan, the results log and the
// provider's job list are enough to build it again.
package queue
