// Package fleet is what the processes that share a Redis tell each other through it:
// which of them live and who holds which lease ([Member], [Lease]), that there is
// something new in the bucket, how far each batch was fed, what every worker does and
// has done ([Fleet]), and which bucket a fleet works on ([Claims]).
//
// A lease has one holder at a time. It is taken over only from a process that was
// declared dead, because its heartbeat was missing, and that process learns of it before
// it can do harm: no clocks of two machines are compared. All of this may be lost with
// Redis; what must last is in the bucket.
package fleet
