package bucket

import (
	"os"
	"strings"
)

// SamePlace reports whether two places that hold the same identity may be one, by what
// Path("") calls them. Two S3 prefixes are one only under one name. A folder may have
// several names, by links and mounts; one that this machine does not have is not told
// apart from ours.
func SamePlace(a, b string) bool {
	if a == b {
		return true
	}
	if strings.HasPrefix(a, "s3://") || strings.HasPrefix(b, "s3://") {
		return false
	}
	here, err := os.Stat(a)
	if err != nil {
		return true
	}
	there, err := os.Stat(b)
	return err != nil || os.SameFile(here, there)
}
