// Package admission decides whether a request may be sent now, and on which API
// key: it counts requests, running jobs and compute units in Redis, so that any number
// of workers on any number of machines keep to one set of limits. They are counted in
// scopes: a key, its project, its team and a batch.
//
// # What it promises
//
//   - Spent plus reserved CU never exceeds a cap of a scope, in all, a day or a month. CU are reserved at the quoted price before a
//     request is sent and become spend when the bill is known. Two things may
//     lift the sum above a cap, and both are money the provider has taken
//     already: [Admission.Adopt] of a run that exists, and a bill above its
//     quote. Nothing more is granted then until the sum is below.
//   - No window of a minute holds more requests of a scope than its limit.
//   - A grant is whole or not given: rate, slots and CU are taken by one script.
//   - Every operation on a grant may be repeated, by a retry, a recovered task
//     or a client that lost the reply; a repeat changes nothing.
//   - What cannot be granted waits: the answer is a [job.PostponedError] with the
//     reason that lasts longest, the time at which asking again makes sense, and
//     whether a person must act first. Of several keys it is that of the key which
//     is free the soonest.
//   - Nothing is granted on counts that may be incomplete: [ErrLost].
//
// # Life of a grant
//
// A grant is named by batch, job and attempt.
//
//	         Reserve, Adopt            Free
//	(none) ------------------> held ---------> freed      slots given back, CU kept
//	  ^                          |               |
//	  |            Release       |               |
//	  +---- released <-----------+---------------+        nothing was spent
//	                             |               |
//	               Settle        v               |
//	            settled <--------+---------------+        CU become spend
//
// A request that the provider refused is released, and the same attempt may be
// reserved again, since waiting for a limit is not an attempt. A settled attempt
// is never granted again: Reserve answers [ErrSettled], because sending it a
// second time would be paying a second time. A settled grant is remembered for an
// hour at least and two at most, which is how a late repeat is recognised; after
// that Settle answers [ErrNoGrant] rather than guess. Free and Release of a grant
// that is over find nothing to give back.
//
// A grant has no expiry of its own: after a lost reply nobody knows whether the
// CU are spent, so they stay reserved until someone has looked.
//
// A grant remembers its scopes. When keys are reloaded with another team, or a job is
// asked for with other keys, it is still given back where it was taken; where its key is no candidate any more, [GrantedElsewhereError] names it.
//
// # Which key
//
// Reserve is given all keys that may run the job. Of those on which everything fits
// it takes the one with the earliest place in the request rate, and of these the one
// that has spent and holds least today, so that spend evens out. Places are reserved
// up to ten seconds ahead ([Grant].After); for a longer wait nobody holds a slot.
//
// # Request rate
//
// The window is counted in buckets of a quarter of a second, and a bucket counts
// in full until all of it has left, so the limit holds for every window and not
// only for calendar minutes. Memory is bounded by the number of buckets, not by
// the rate. A window starts empty: a small batch is sent at once.
//
// A place ahead lies in a bucket to come. A request is within the limit if it is in
// every window that holds it: the one that ends now, and those that end with a place
// ahead.
//
// Submits leave to reads what reads took in the last window and a few more, at the most
// [Limits].ReadReserve, so that a read that waits has the next place. That most is kept
// until a window without a long wait of a read tells how many are needed.
//
// The window is one second longer than the provider's minute, because what the
// provider counts is when a request arrives. A request on a fresh connection
// needs a TLS handshake of a few round trips and one on a warm connection none;
// without the margin a slow early request and a fast late one would meet in the
// provider's window. It costs under two percent of the rate.
//
// When the clock of Redis goes back a little, what was counted lies ahead for that
// time. When it goes back by more than places may lie ahead, as after a failover,
// nobody knows which of them are sent: all count for as long as the last of them
// could. The limit holds, and within a minute and a half the window is right again.
//
// # Periods
//
// A day and a month begin where the caller says, in any time zone and of any length:
// it gives the starts of the period before, the present and the next one, and Redis
// picks by its own clock. Spend is kept by quarters of an hour for 70 days, so the sum
// from any such start can be had at any time, and another time zone takes effect with
// what was spent already. What is reserved counts in every period; a bill counts for
// the time at which its request could first be sent, since by then the provider
// counts it.
//
// # Ceiling of running jobs
//
// The lower of the configured and the learned ceiling of a team holds. Plans change,
// so one more than was learned is tried from time to time, at the price of one refused
// request: after ten minutes, or after one if the provider named no number and it was
// guessed, and only while the team is full, since else it teaches nothing. A ceiling
// is forgotten after a week without news.
//
// # Epoch of Redis
//
// Redis may be flushed, or come back from a crash without its last second. Then
// counts are too low and caps would be passed. So everything happens in an epoch of
// Redis: it has a name and belongs to one process of the server, and every script
// that relies on counts looks whether its caller's epoch is the present one. Who finds
// no epoch ([Admission.Join] reports false) begins one: calls
// [Admission.Begin], tells what was spent with [Admission.Seed] and what runs with
// [Admission.Adopt], and opens it with [Admission.Ready]. Others join. If two begin at
// the same time, the later one stands and takes nothing from the earlier.
//
// # Keys in Redis
//
// All under one hash tag, {ns:admission} with the prefix of [Options]:
//
//	epoch                           text    name of the epoch and process of the server
//	ready                           text    name of the epoch that is open
//	grant:<job>/<attempt>/<batch>   hash    state, amount and scopes of a live grant
//	settled:even, settled:odd       hash    grants that were settled in this hour or the one before
//	live:<batch>                    set     grants of a batch that are live
//	slots:<kind>:<name>             set     grants that hold a slot of a scope
//	ceiling:<kind>:<name>           hash    how many of these may run, as was learned
//	cu:<kind>:<name>                hash    what is reserved and spent
//	rate:<kind>:<name>              hash    requests by bucket
//	hold:<kind>:<name>              text    until when nothing is granted, and why
//
// A new epoch begins without the grants, slots and CU of the old one. Rates,
// ceilings and holds are about the provider and stay.
package admission
