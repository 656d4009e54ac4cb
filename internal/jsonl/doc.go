// Package jsonl reads and writes the logs of a batch: objects of JSON lines that only
// grow.
//
// A [Committer] writes lines that arrive at the same time with one durable append. A
// [Kind] streams the lines of an object: a last line that was cut off is left out,
// since its writer was not told that it is there, and any other line that cannot be
// read ends the stream with file and line. A [Mark] is a place between two lines, from
// which a later reader can go on. [Fields] looks into a line without decoding all of it.
package jsonl
