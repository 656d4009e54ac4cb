// Package terminaltest opens pseudo terminals for tests, where the system has them.
package terminaltest
