// Package worker is a worker process: a member of a fleet, or the only one, within the
// command run.
//
// It finds the batches that are open in the bucket and works on their jobs in lanes, one
// for each pool of API keys and mode. Of each batch one worker at a time is the leader,
// which feeds the plan, finds the batch blocked, and ends the submission. Of each pool
// of jobs one watches what runs at the provider.
//
// A worker holds no state. Each step of a leader can be repeated, so that another goes
// on when its process dies; a process that stood still and was declared dead finds that
// its leases and fences do not count any more. When Redis has lost its state, one worker
// counts what was spent and brings back what is in flight, and nothing is granted before
// ([Recovery]). What a worker needs is checked before it takes jobs ([Doctor]).
package worker
