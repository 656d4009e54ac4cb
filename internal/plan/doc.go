// Package plan turns a manifest into the jobs that would run, and says before
// anything is spent what they are, what they cost and how long they take.
//
// Make reads the manifest once as a stream. It checks every row against what the
// provider says of the row's model, expands rows into jobs, compares them with
// the results that are there already, and asks for one price (a free dry run) for
// each price shape: a model with the values of those inputs that move its price.
// Prices that an earlier plan kept are used for an hour.
// All of the findings come back together, each with its place in the manifest,
// and nothing is priced while there is one.
//
// A Plan holds counts, shapes and the identities of kept results, never the jobs:
// All makes them again from the manifest, one after the other, so that a million
// rows need no more memory than a thousand.
package plan
