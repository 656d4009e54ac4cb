// Package telemetry tells what a process does: logs, metrics and health.
//
// Callers say what happened in the words of package job and need not know
// Prometheus. Every label comes from a closed list or from the names in the keys
// file; whatever is not in its list is counted as "other", so that no text of a
// provider, a manifest or an error ever becomes a series. How things stand is asked
// for when somebody looks, with a deadline, one reading at a time: looking costs the
// work nothing, and what cannot be read is left out instead of shown as zero.
package telemetry
