// Package batch is the folder of one batch: what was sent of it, what it cost, and what
// is in flight.
//
//	results.jsonl, errors.jsonl   how each job ended, with its bill; see package results
//	spend.jsonl                   what was spent, by API key and quarter of an hour, for
//	                              people: written from the fold when a submission is over
//	_nightshift/attempts.jsonl    the paid requests: each before it is sent, and what
//	                              became of it
//	_nightshift/spend.json        a checkpoint of the fold
//
// A folder that was made before there was a log of attempts gets one from sent.jsonl and
// spend.jsonl when it is first read.
//
// # One log of attempts
//
// Nothing that matters about money is in Redis alone. A request is sent only once its
// line is durable (intended); what the provider answers is a line (received, refused),
// and the end of an attempt is one: the result of its job, or where the job goes on
// without one, such as when a run failed and is made again, a line of its own (ended).
//
// [ReadFold] reads these logs and says what was spent, in which quarter of an hour and
// with which API key, what is in flight and holds CU, and which attempts are over. It is
// all that caps, recovery and reports are made from. Nothing has to be repaired: what
// a process did not write, it did not do.
//
// # Order of lines
//
// The logs of a batch have many writers, and on S3 the lines of several are ordered by
// their clocks. So the fold does not depend on the order: a line that stands twice
// counts once, an attempt that is over stays over, and of the sendings of one attempt
// that with the highest fence counts. The fence is raised with every change of the job's
// record, so the line that was written last has the highest.
//
// # Memory
//
// Of an attempt that is over the fold keeps ten bytes and a bit in a map, some twenty
// bytes all in all. Attempts in flight are kept whole.
package batch
