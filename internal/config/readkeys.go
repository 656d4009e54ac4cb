package config

import (
	"errors"
	"fmt"
	"io"
	"os"

	"nightshift/internal/document"

	"github.com/caarlos0/env/v11"
)

// maxKeysFile bounds a keys file in bytes.
const maxKeysFile = 1 << 20

// ReadKeys reads a keys file, YAML or JSON, with the secrets that it refers to. A
// relative secret file is looked for beside the keys file. environ is as os.Environ
// gives it.
//
// The error names everything that is wrong, one a line with its place. It holds
// nothing that stands in the file, and no secret, but the names of variables and
// files that secrets were to come from.
func ReadKeys(path string, environ []string) (*Keys, error) {
	content, err := readRegular(path, maxKeysFile)
	if err != nil {
		return nil, fmt.Errorf("read keys file %s: %w", path, err)
	}
	r := keysReader{
		Reader:  document.Reader{File: path, Problems: &document.Problems{}, Private: true},
		environ: env.ToMap(environ), keys: &Keys{},
	}
	if root, err := document.YAML(content); err != nil {
		r.Syntax(err)
	} else {
		r.readFile(&root)
	}
	r.Problems.Sort()
	if err := r.Problems.Err(); err != nil {
		return nil, err
	}
	return r.keys, nil
}

// readRegular returns the content of a file of at most that many bytes. The error
// says what is wrong without the file's name.
func readRegular(path string, most int64) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", withoutPath(err)
	}
	if !info.Mode().IsRegular() {
		// A pipe would be empty when it is looked at again, and one without a
		// writer would not even open.
		return "", errors.New("not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return "", withoutPath(err)
	}
	// Nothing was written, so closing cannot lose anything.
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return "", withoutPath(err)
	}
	if int64(len(content)) > most {
		return "", fmt.Errorf("larger than %d bytes", most)
	}
	return string(content), nil
}

// withoutPath returns the reason that a file system gives for an error.
func withoutPath(err error) error {
	if located, ok := errors.AsType[*os.PathError](err); ok {
		return located.Err
	}
	return err
}
