package config

import (
	"context"
	"time"
)

// WatchKeys reads the file again and again until ctx is done, and calls changed
// with each new content that is good, again after each look until it reports that this
// content is in force, and broken with the error of one that is not,
// once for each distinct error until the file is good again. The last good content
// stays in force; first is the one to begin with, as [ReadKeys] returned it. Content
// is compared with the secrets that it refers to. environ does not change.
//
// It looks after each time of every. New content counts when two looks in a row have
// found it, because a file that is still being written can be good by accident, but
// without its last keys and caps. changed and broken are called one at a time, and
// the next look waits for them.
func WatchKeys(ctx context.Context, path string, environ []string, first *Keys, every time.Duration, changed func(*Keys) bool, broken func(error)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	inForce, seen := first, first
	refused := false // inForce is not, or in parts
	reported := make(map[string]bool)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		found, err := ReadKeys(path, environ)
		if err != nil {
			seen = nil
			if !reported[err.Error()] {
				reported[err.Error()] = true
				broken(err)
			}
			continue
		}
		clear(reported)
		settled := seen != nil && found.equal(seen)
		seen = found
		if settled && (refused || !found.equal(inForce)) {
			inForce, refused = found, !changed(found)
		}
	}
}
