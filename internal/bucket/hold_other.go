//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package bucket

import "os"

// hold does nothing: this system has no lock that ends with the process and
// leaves the file writable.
func hold(*os.File) {}

// tryHold never succeeds, so that nothing is taken for left over here.
func tryHold(*os.File) bool { return false }
