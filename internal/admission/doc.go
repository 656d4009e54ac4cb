// Package admission decides whether a request may be sent now: it counts the
// requests of a project, the running jobs of a team and the compute units of a
// key and a batch in Redis, so that any number of workers on any number of
// machines keep to one set of limits.
//
// # What it promises
//
//   - Spent plus reserved CU never exceeds a cap. CU are reserved at the quoted
//     price before a request is sent and become spend when the bill is known.
//     Two things may lift the sum above a cap, and both are money the provider
//     has taken already: [Admission.Adopt] of a run that exists, and a bill
//     above its quote. Nothing more is granted then until the sum is below.
//   - No window of a minute holds more requests than the limit.
//   - A grant is whole or not given: rate, slot and CU are taken by one script.
//   - Every operation on a grant may be repeated, by a retry, a recovered task
//     or a client that lost the reply; a repeat changes nothing.
//   - What cannot be granted waits: the answer is a [job.PostponedError] with the
//     reason that lasts longest and the time at which asking again makes sense.
//
// # Life of a grant
//
// A grant is named by batch, job and attempt.
//
//	         Reserve, Adopt            Free
//	(none) ------------------> held ---------> freed      slot given back, CU kept
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
// second time would be paying a second time. Released and settled grants leave
// a marker for an hour, which is how a late repeat is recognised; after that
// Settle answers [ErrNoGrant] rather than guess, and Free and Release find
// nothing to give back.
//
// A grant has no expiry of its own: after a lost reply nobody knows whether the
// CU are spent, so they stay reserved until someone has looked.
//
// A grant remembers its scope. When keys are reloaded with another team, or a
// job is asked for with another key, it is still given back where it was taken.
//
// # Request rate
//
// The window is counted in buckets of a quarter of a second, and a bucket counts
// in full until all of it has left, so the limit holds for every window and not
// only for calendar minutes. Memory is bounded by the number of buckets, not by
// the rate. A window starts empty: a small batch is sent at once.
//
// The window is one second longer than the provider's minute, because what the
// provider counts is when a request arrives. A request on a fresh connection
// needs a TLS handshake of a few round trips and one on a warm connection none;
// without the margin a slow early request and a fast late one would meet in the
// provider's window. It costs under two percent of the rate.
//
// When the clock of Redis goes back, as after a failover, all counted requests
// are taken to have been sent now: the limit holds, and a minute later the
// window is right again.
//
// # Ceiling of running jobs
//
// The lower of the configured and the learned ceiling holds. What the provider
// said is believed for a day, so that a better plan is noticed at the price of
// one refused request; a guess, made when it said no number, for ten minutes,
// since jobs of other people may have been among those running.
//
// # Keys in Redis
//
// All under one hash tag, {ns:admission} with the prefix of [Options]:
//
//	grant:<job>/<attempt>/<batch>  hash    state, amount and scope of a grant, or its marker
//	rate:<project>                 hash    requests by bucket, their sums, oldest and newest bucket
//	slots:<team>                   set     grants that hold a slot
//	ceiling:<team>                 number  the learned ceiling
//	cu:key:<key>                   hash    spent and reserved, milli-CU
//	cu:batch:<batch>               hash    the same, and what was spent through which key
//	hold:key:<key>                 text    until when no submit is granted, and why
//	hold:project:<project>         text    until when no request is granted, and why
//
// Losing Redis loses the counts and no money: spend is seeded again from the
// results log with [Admission.Spend], running inferences with Adopt.
package admission
