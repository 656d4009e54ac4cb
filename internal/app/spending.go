package app

import (
	"context"
	"path"

	"nightshift/internal/bucket"
	"nightshift/internal/job"
	"nightshift/internal/results"
)

// spending is what the journals of all batches in the bucket say.
type spending struct {
	slices []job.Slice
	open   []job.Entry // reservations that are neither settled nor released
}

// spendingIn sums up the journals of all batches in the bucket, since caps of keys,
// projects and teams count across batches.
func spendingIn(ctx context.Context, b *bucket.Local) (spending, error) {
	var all spending
	batches, err := batchesOf(ctx, b)
	if err != nil {
		return all, err
	}
	for _, batch := range batches {
		spend, err := results.NewJournal(b, batch).Spend(ctx)
		if err != nil {
			return all, err
		}
		all.slices = append(all.slices, spend.Slices()...)
		all.open = append(all.open, spend.Open()...)
	}
	return all, nil
}

// testFolder is where batches of mode test go, apart from live ones.
const testFolder = "test"

// batchesOf are the ids of all batches in the bucket: their folders.
func batchesOf(ctx context.Context, b *bucket.Local) ([]string, error) {
	live, err := b.Folders(ctx, "")
	if err != nil {
		return nil, err
	}
	tests, err := b.Folders(ctx, testFolder)
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
