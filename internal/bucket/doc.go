// Package bucket stores what a batch produces, images above all, and gives one
// promise for every object: it is visible only when it is complete, and an image
// only when it is also verified. Readers never see half an object, whatever
// happens to the process, the disk or the connection while it is written.
//
// What an image is, and whether one is whole, package image knows. [Local] is a
// bucket in a folder, [S3] one on an S3 server; they have the same methods and behave
// alike. What every kind of bucket must hold is written down as tests in the package
// buckettest.
//
// # How images reach an S3 server
//
// An image goes from its download straight into the request, through the guard,
// which holds the last bytes back until all of it was good. When something is wrong
// the request stays short of its length and is cut off. That is safe only on a server
// that does not keep what came short, so [S3.Probe] tries it out. Where it is not
// safe, or the length is not known, the image is taken into memory first, verified,
// and sent with its checksum before it; the bytes that are in memory at a time have
// one budget for all. An object under the name is compared: the same image is left
// as it is, another is replaced, and two that come at once do not both win unnoticed.
//
// # How S3 is appended to
//
// S3 has no way to append. Each [S3.Append] stores an object of its own, a shard,
// beside the others of its log:
//
//	<batch>/_nightshift/log/<name of the log>/<time>-<process>-<number>
//
// A reader lists the shards, then reads the base, then the shards in the order of
// their names. [S3.Compact] stores a base with the shards in it and then deletes them,
// in this order, so that a line can be seen twice by a reader and is never missing.
// A reader that finds a shard gone starts again, for the same reason. Only names that
// end with .jsonl can be appended to, so that reading anything else takes one request.
package bucket
