// Package results keeps what a batch came to: the log of how every job ended,
// the report of a run, and the contact sheet on which people look at the images.
//
// Everything lies in the batch's folder of the bucket:
//
//	results.jsonl                 one line per succeeded job, as it ends
//	errors.jsonl                  one line per failed or cancelled job
//	report.json                   counts, cost, requests and waiting of the last run
//	index.html                    the contact sheet; opens from disk without a server
//	_nightshift/questions.json    lost replies of which only a person can tell what
//	                              became of them, with the runs that may be theirs
//	_nightshift/answers.jsonl     what people decided, the last line of an attempt counts
//	_nightshift/answers.lock      held while somebody answers
//	_nightshift/sheet/            the contact sheet's data: entries in pages, columns
//	_nightshift/thumbs/           its thumbnails, named by what they show
//
// The log, that is results.jsonl and errors.jsonl, is the record and only grows. Report,
// sheet and thumbnails are made from it and can be written again at any time. What was
// sent and spent is in package batch.
//
// Reading a log is a stream. What grows with it is small: the sums of a report and the
// sheet hold some fifty bytes of each line while they are made.
package report
