// Package record keeps the state of every unfinished job in Redis: what it is to
// send, the intent written before the paid request, the receipt written after
// it, and what the provider said at its end.
//
// A record exists from the moment a job is fed until its result is in the bucket.
// Then it is deleted and one bit of the batch's bitmap says that the job is over,
// so that memory holds a window of a batch and never the batch.
//
// Every change of state is one script that also raises the record's fence.
// Whoever wants to change a record names the fence it was given; a process that
// was paused, or whose task was handed to another one, holds an old fence and its
// write fails with ErrFenced. This is what makes it safe to run a task twice at
// once, which the queue may do.
//
// Nothing in here is needed to be kept for ever: the plan, the results log and
// the provider's job list are enough to build it again.
package record
