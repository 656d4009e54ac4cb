package app

import (
	"context"
	"path"

	"nightshift/internal/batch"
	"nightshift/internal/job"
)

// spendingIn is what the logs of all batches in the bucket say was spent, since
// caps of keys, projects and teams count across batches.
func spendingIn(ctx context.Context, b objects) ([]job.Slice, error) {
	batches, err := batchesOf(ctx, b)
	if err != nil {
		return nil, err
	}
	var all []job.Slice
	for _, id := range batches {
		fold, err := batch.ReadFold(ctx, b, id)
		if err != nil {
			return nil, err
		}
		all = append(all, fold.Slices()...)
	}
	return all, nil
}

// testFolder is where batches of mode test go, apart from live ones.
const testFolder = "test"

// batchesOf are the ids of all batches in the bucket: their folders.
func batchesOf(ctx context.Context, b objects) ([]string, error) { return batchesIn(ctx, b, "") }

// batchesIn are the ids of the batches that have a folder in this one.
func batchesIn(ctx context.Context, b objects, folder string) ([]string, error) {
	live, err := b.Folders(ctx, folder)
	if err != nil {
		return nil, err
	}
	tests, err := b.Folders(ctx, path.Join(folder, testFolder))
	if err != nil {
		return nil, err
	}
	var batches []string
	for _, name := range live {
		if name != testFolder {
			batches = append(batches, name)
		}
	}
	for _, name := range tests {
		batches = append(batches, path.Join(testFolder, name))
	}
	return batches, nil
}
