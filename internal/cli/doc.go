// Package cli is the commands of the programs enqueue and worker, one file a command:
// its flags, one call into another package, and what it prints.
//
// It promises that the input is checked before anything is written or paid, that what is
// printed with --json keeps its names, and that exit codes are decided in one place:
// 0 done, 1 unexpected, 2 wrong input and nothing done, 3 some jobs failed or were not
// run, 130 interrupted.
//
// The command run is no engine of its own. It is a submission, a [worker.Worker] that
// knows of this batch alone, and a [view.Watcher], in one process.
package cli
