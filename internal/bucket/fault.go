package bucket

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"nightshift/internal/job"
)

// storeRetry is how long work waits before it asks a folder again that could not
// take an object. Someone has to make room or change a permission first.
const storeRetry = time.Minute

// faults are the errors of a file system that a person can do something about.
// Those that pass once someone did are waited for; the others are final.
var faults = []struct {
	cause error
	what  string
	hint  string
	waits bool
}{
	{syscall.ENOSPC, "the disk is full",
		"free space on the disk that holds %s; nothing is lost, work goes on by itself then", true},
	{syscall.EDQUOT, "the disk quota is used up",
		"free space or raise the quota of the user that runs nightshift for %s; work goes on by itself then", true},
	{syscall.EROFS, "the file system is read-only",
		"mount the file system of %s writable, or name another folder as the bucket", true},
	{fs.ErrPermission, "permission denied",
		"let the user that runs nightshift write in %s, or name another folder as the bucket", true},
	{syscall.EFBIG, "the file is larger than the system allows",
		"raise the file size limit (ulimit -f) for writing in %s", true},
	{syscall.EMFILE, "too many open files",
		"raise the limit of open files (ulimit -n) or lower the number of images stored at once in %s", true},
	{syscall.ENFILE, "too many open files on this machine",
		"close other programs or raise the system's limit of open files; the object goes to %s", true},
	{syscall.ENAMETOOLONG, "the name is too long for the file system",
		"shorten the output names of the manifest; the folder is %s", false},
	{syscall.ENOTDIR, "a file is where a folder should be",
		"move the file away, or change the output names of the manifest; the folder is %s", false},
	{syscall.EISDIR, "a folder is where the object should be",
		"move the folder away, or change the output names of the manifest; the folder is %s", false},
	{syscall.EEXIST, "a folder is where the object should be", // what renaming onto a folder says
		"move the folder away, or change the output names of the manifest; the folder is %s", false},
}

// Full reports whether err says that there is no more room where a bucket is: work
// goes on by itself once there is.
func Full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// waiting is an error that passes once a person acted: it reads as its cause, and
// [job.PostponedError] is found in it.
type waiting struct {
	cause     error
	postponed *job.PostponedError
}

func (e *waiting) Error() string   { return e.cause.Error() }
func (e *waiting) Unwrap() []error { return []error{e.cause, e.postponed} }

// translate explains an error of the file system that happened in a folder. Errors
// that nobody can do anything about come back as they are.
func translate(err error, folder string) error {
	if err == nil {
		return nil
	}
	for _, fault := range faults {
		if !errors.Is(err, fault.cause) {
			continue
		}
		err = fmt.Errorf("%s: %w", fault.what, err)
		if fault.waits {
			err = &waiting{err, &job.PostponedError{After: storeRetry, Reason: job.WaitStorage, Detail: fault.what + ": " + folder}}
		}
		return &job.HintedError{Err: err, Hint: fmt.Sprintf(fault.hint, folder)}
	}
	return err
}
