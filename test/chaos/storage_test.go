package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// storage is the bucket of a run, as the judges see it: past all faults.
type storage interface {
	// environ are the variables by which a program finds it.
	environ(user string) []string
	// link is the one between a user and the bucket; nil where there is none.
	link(user string) *link
	// ready reports whether the judges can read it now.
	ready() bool
	// open opens an object; fs.ErrNotExist if there is none.
	open(ctx context.Context, key string) (io.ReadCloser, error)
	// faults are those that can befall this kind of bucket.
	faults() []bucketFault
	// has reports whether there is any object in a folder.
	has(ctx context.Context, folder string) (bool, error)
}

// bucketFault is trouble of a bucket: it begins, and end takes it back.
type bucketFault struct {
	name       string
	kill       bool // of its server
	begin, end func() error
}

func newStorage(t *testing.T, kind, dir string) storage {
	t.Helper()
	switch kind {
	case "folder":
		bucket := filepath.Join(dir, "bucket")
		if err := os.MkdirAll(bucket, 0o700); err != nil {
			t.Fatal(err)
		}
		return newFolder(t, bucket)
	case "s3":
		return newS3Storage(t, dir)
	default:
		t.Fatalf("-bucket %s: no such kind", kind)
		return nil
	}
}

// folder is a bucket in the file system.
type folder struct {
	dir   string
	small bool // a disk of its own, which can be filled up
}

// diskSize is more than a run needs.
const diskSize = "2g"

func newFolder(t *testing.T, dir string) folder {
	t.Helper()
	f := folder{dir: dir, small: os.Getenv(insideVariable) != ""}
	if f.small {
		if err := mount("-t", "tmpfs", "-o", "size="+diskSize, "tmpfs", dir); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { // the folder of a run that failed is kept, and what is on this disk is not
			if t.Failed() {
				if err := exec.Command("cp", "-r", dir, dir+"-kept").Run(); err != nil {
					t.Errorf("keep the bucket: %v", err)
				}
			}
			if err := exec.Command("umount", "--lazy", dir).Run(); err != nil {
				t.Errorf("unmount the bucket: %v", err)
			}
		})
	}
	return f
}

func mount(args ...string) error {
	if said, err := exec.Command("mount", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("mount %v: %w: %s", args, err, said)
	}
	return nil
}

func (f folder) faults() []bucketFault {
	if !f.small {
		return nil
	}
	return []bucketFault{{
		name: "the disk is full",
		begin: func() error {
			var now unix.Statfs_t
			if err := unix.Statfs(f.dir, &now); err != nil {
				return err
			}
			used := int64(now.Blocks-now.Bfree) * now.Bsize
			return mount("-o", fmt.Sprintf("remount,size=%d", used+8<<10), f.dir)
		},
		end: func() error { return mount("-o", "remount,size="+diskSize, f.dir) },
	}}
}

func (f folder) environ(string) []string { return []string{"NIGHTSHIFT_BUCKET=file://" + f.dir} }

func (f folder) link(string) *link { return nil }

func (f folder) ready() bool { return true }

func (f folder) path(key string) string { return filepath.Join(f.dir, filepath.FromSlash(key)) }

func (f folder) open(_ context.Context, key string) (io.ReadCloser, error) {
	return os.Open(f.path(key))
}

func (f folder) has(_ context.Context, name string) (bool, error) {
	found := false
	err := filepath.WalkDir(f.path(name), func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went away while this looked
		}
		if err == nil && !entry.IsDir() {
			found = true
			return fs.SkipAll
		}
		return err
	})
	return found, err
}
