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
// A Plan holds counts and shapes in memory, never the jobs: the check writes each as
// its line of the plan into a temporary file, and Lines reads them from there with
// their prices. So rows are expanded once, what is stored is what was checked, and a
// million rows need no more memory than a thousand.
package plan
