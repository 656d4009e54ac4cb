// Package app opens what lies outside the program and nothing else: the bucket, Redis
// (a server, or one within the process), the log, and the image API of an API key. It
// also keeps the identity of the bucket, which is part of every key in Redis, so that
// two buckets never share jobs, limits or spend.
//
// It promises that no error names a password or a credential, and that [Cleanup] gives
// back what was opened, the last first. It knows nothing of batches.
package app
