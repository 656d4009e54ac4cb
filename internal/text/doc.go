// Package text writes counts, times, names and texts from outside as people read
// them in messages and on terminals.
package text
