// Package batch is the folder of one batch: what is wanted of it, what was sent, what
// that cost, how each job ended, and what is in flight.
//
//	results.jsonl                 a line for each job that succeeded, with its bill
//	errors.jsonl                  a line for each job that failed
//	spend.jsonl                   what was spent, by API key and quarter of an hour, for
//	                              people: written from the fold
//	_nightshift/order.json        the submission: what workers were asked to do
//	_nightshift/plans/            its plan
//	_nightshift/began.json        when it began
//	_nightshift/control.json      whether it is paused, and why
//	_nightshift/blocked.json      what keeps it from going on until a person acts
//	_nightshift/cancel.json       that it is cancelled
//	_nightshift/attempts.jsonl    the paid requests: each before it is sent, and what
//	                              became of it
//	_nightshift/attempts.json     what that log knows at the least
//	_nightshift/spend.json        a checkpoint of the fold
//	_nightshift/questions.json    lost replies of which only a person can tell what
//	                              became of them, with the runs that may be theirs
//	_nightshift/answers.jsonl     what people decided, the last line of an attempt counts
//	_nightshift/picks.jsonl       what people think of the images, the last line of an
//	                              image counts, and which rows were rolled again
//	_nightshift/batch.json        the mode, and what each API key sees
//	_nightshift/quotes.json       the prices of the last plan
//
// At the top of the bucket, _nightshift/open/ has a mark for each submission that is not
// over. It is written last and tells workers that there is something to do.
//
// Of a folder that was made before there was a log of attempts, sent.jsonl and spend.jsonl
// are read in its place. Its leader writes the log from them before it goes on.
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
