// Package runner is a job's life: feed, submit, watch, collect.
//
// The order of steps is what makes money safe. Submit writes the intent, parks
// the job's collect task as its durable successor, marks the job as sending, and
// only then sends the paid request, once. Whatever happens after that mark (a
// lost reply, a 5xx, a killed process) leaves the job *unknown*: its reservation
// stays, and nothing is sent again before the provider's own job list was looked
// at. A run in that list that is not owned by any job of ours, and whose model
// and inputs are ours, is adopted. A job that stays absent from complete lists
// over a grace time was never accepted and may be sent.
//
// Runs are watched by one list request for all of them, because requests are
// what the API gives least of. The watcher only brings forward what each parked
// collect task would find out by itself at its deadline, so a dead watcher delays
// jobs and loses none. Nor does one that cannot read the list: the tasks read their runs
// singly, and it leaves the watch to another process, which may be able to.
//
// Waiting for a limit is not a failure and not an attempt. One handler of a lane
// asks admission at a time and the others wait, so that a hundred waiting
// jobs cost Redis what one does.
package runner
