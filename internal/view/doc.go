// Package view is what is known of batches and workers, for the commands that show it:
// how far a batch is, what it waits for, what would make it faster, and a [Watcher] that
// follows it to its end.
//
// It reads the bucket, and Redis where there is one, be it within the process of a run.
// It works on no jobs and changes nothing. Without Redis it counts by the logs and says
// what cannot be known.
package view
