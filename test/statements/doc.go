// Package statements reads what the documents promise: each row of its table is a sentence
// that stands in one of them, and a check that fails where it is not true.
package statements
