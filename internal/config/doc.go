// Package config reads what is set by the environment, and by the keys file that it
// may name, into checked structs. It is the only place that knows the names of the
// variables; docs/configuration.md and docs/keys.md describe them and the file, and
// tests hold code and pages together.
package config
