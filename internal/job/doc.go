// Package job holds the words of Nightshift: what a job, an inference, an asset
// and an amount of compute units are, the states a job passes through, and the
// kinds of failure that decide what happens next.
//
// It imports only the standard library, so that every other package can speak
// in these words without knowing about each other.
package job
