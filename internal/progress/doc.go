// Package progress shows a person, or a pipe, how a run goes: a live view on a
// terminal, now and then a line on a pipe, JSON for programs, and the closing
// words.
//
// It asks the run for a [Snapshot] whenever it needs one and keeps no counts of
// its own, so what it shows cannot drift from what is true. Whatever a manifest
// or the provider wrote (names of rows, reasons) is made harmless before it
// reaches the terminal: no control character or escape sequence passes.
//
// # JSON lines
//
// With [Style.JSON] every line is one JSON object. All have "type" and "time"
// (RFC 3339); an unknown type should be skipped, since more may be added. CU are
// decimals, absent fields mean "none" or "not known", and the names below stay.
//
//	{"type":"progress", …}  where the run is; every few seconds if anything
//	                        changed, at a change of phase, and at least every
//	                        30 seconds
//	  phase         planning, running, stopping, finishing, done; of a batch that
//	                workers run also waiting (for one), paused, cancelling
//	  batch, mode   of the manifest
//	  jobs          {total, kept, succeeded, failed, failedBefore, waiting, running, queued, unknown, storing}
//	  images        {done, total}: of the batch, those of earlier runs counted
//	  waiting       {reason, until, detail}: what keeps the next job from being sent
//	  cu            {spent, reserved, cap, inTheEnd}
//	  requests      sent to the API so far
//	  started       time
//	  secondsLeft   an estimate
//	{"type":"result", "result":{…}}  a job that ended: a line of results.jsonl or errors.jsonl
//	{"type":"message", "text":"…"}   what the program has to say meanwhile
//	{"type":"summary", …}            the last line, see [Summary]
//	  batch, mode, outcome (complete, over, interrupted, blocked, cancelled), reason, hint
//	  jobs          {total, succeeded, kept, failed, failedBefore, cancelled, notRun, waiting}
//	  images        stored in this run
//	  failures      [{kind, reason, hint, jobs, rows}], most frequent first
//	  cu            {billed, refunded, net, spent, cap}: of this run, and spent of all runs
//	  requests      {total, perJob}
//	  seconds       the run took
//	  folder, sheet, sheetLink, errors   where things are
//	  remote        {inferences, cu, gone}: at the provider, or gone with its simulator
//	  again         the command that goes on from here
//	  warnings      of a run: what of the manifest is hardly meant as it reads
package progress
