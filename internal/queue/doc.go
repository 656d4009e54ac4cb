// Package queue is the only one that knows asynq. It gives each key pool a lane,
// with one asynq queue for each priority, and one queue of collect tasks; it
// parks a task until its deadline, wakes it earlier, and decides what becomes of
// a task whose handler returned an error.
//
// Tasks are short and safe to repeat: asynq promises at least once, and after a
// crash may run a task twice at the same time. That nothing is paid twice is the
// business of the records' fence, never of an option in here. A task carries the
// name of its job and nothing else.
package queue
