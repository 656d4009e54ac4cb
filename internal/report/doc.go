// Package report makes what people look at from the logs of a batch:
//
//	report.json             counts, cost, requests and waiting of the last submission
//	index.html              the contact sheet; opens from disk without a server
//	_nightshift/sheet/      its data: entries in pages, columns
//	_nightshift/thumbs/     its thumbnails, named by what they show
//
// The logs of package batch are the record. All of these can be written again from them
// at any time.
//
// Logs are read as streams. What grows with them is small: the sums of a report and the
// sheet hold some fifty bytes of each line while they are made.
package report
