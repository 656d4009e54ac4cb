package batch

import (
	"context"
	"path"

	"nightshift/internal/bucket"
	"nightshift/internal/job"
)

// SpendingIn is what the logs of all batches in the bucket say was spent, since
// caps of keys, projects and teams count across batches.
func SpendingIn(ctx context.Context, b bucket.Objects) ([]job.Slice, error) {
	batches, err := BatchesOf(ctx, b)
	if err != nil {
		return nil, err
	}
	var all []job.Slice
	for _, id := range batches {
		fold, err := readSpending(ctx, b, id)
		if err != nil {
			return nil, err
		}
		all = append(all, fold.Slices()...)
	}
	return all, nil
}

// TestFolder is where batches of mode test go, apart from live ones.
const TestFolder = "test"

// BatchesOf are the ids of all batches in the bucket: their folders.
func BatchesOf(ctx context.Context, b bucket.Objects) ([]string, error) { return batchesIn(ctx, b, "") }

// batchesIn are the ids of the batches that have a folder in this one.
func batchesIn(ctx context.Context, b bucket.Objects, folder string) ([]string, error) {
	live, err := b.Folders(ctx, folder)
	if err != nil {
		return nil, err
	}
	tests, err := b.Folders(ctx, path.Join(folder, TestFolder))
	if err != nil {
		return nil, err
	}
	var batches []string
	for _, name := range live {
		if name != TestFolder {
			batches = append(batches, name)
		}
	}
	for _, name := range tests {
		batches = append(batches, path.Join(TestFolder, name))
	}
	return batches, nil
}
