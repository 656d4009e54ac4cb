// Package config reads what is set by the environment into a checked struct. It
// is the only place that knows the names of the variables; docs/configuration.md
// describes them, and a test holds the two together.
package config
