// Package fleet is what the workers of a fleet, and those who look at it, tell each
// other through Redis: that there is something new in the bucket, how far each batch
// was fed, and what every worker does now. All of it may be lost: what must last is
// in the bucket.
package fleet
