// Package fleet is what the processes that share a Redis tell each other through it:
// which of them live and who holds which lease, that there is something new in the
// bucket, how far each batch was fed, and what every worker does now. All of it may be
// lost: what must last is in the bucket.
package fleet
