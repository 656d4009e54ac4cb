// Package results keeps what a batch came to: the log of how every job ended,
// the report of a run, and the contact sheet on which people look at the images.
//
// Everything lies in the batch's folder of the bucket:
//
//	results.jsonl              one line per succeeded job, as it ends
//	errors.jsonl               one line per failed or cancelled job
//	report.json                counts, cost, requests and waiting of the last run
//	index.html                 the contact sheet; opens from disk without a server
//	_nightshift/sheet/         the contact sheet's data, in pages
//	_nightshift/thumbs/        its thumbnails, named by what they show
//
// The log is the record and only grows; all else is made from it and can be
// written again at any time. Memory stays small however long the log is: reading
// it is a stream, and the sheet holds a few dozen bytes per job.
package results
