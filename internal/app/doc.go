// Package app wires the parts together: it alone knows all of them. Each command
// is one straight function that makes what it needs and gives it back in reverse.
package app
