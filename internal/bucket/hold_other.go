//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package bucket

import (
	"errors"
	"os"
)

// This system has no lock that ends with the process and that we know: nothing is
// taken for left over here, and [Local.Lock] refuses.

func hold(*os.File) error { return errors.ErrUnsupported }

func tryHold(*os.File) (bool, error) { return false, errors.ErrUnsupported }

func letGo(*os.File) error { return errors.ErrUnsupported }
