package cli

import (
	"cmp"
	"context"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/batch"
	"nightshift/internal/config"
)

// completeTime bounds how long a shell waits for the names of batches.
const completeTime = 3 * time.Second

// manifestEndings are those of manifests.
var manifestEndings = []string{"yaml", "yml", "json", "jsonl", "csv", "tsv"}

// completeFile completes the one manifest that a command takes.
func completeFile(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return manifestEndings, cobra.ShellCompDirectiveFilterFileExt
}

// completeBatch completes batches by the ids of those in the bucket, and manifests
// where there is no such batch; most is how many arguments the command takes, 0 any
// number.
func completeBatch(p app.Process, most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if most > 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmp.Or(cmd.Context(), context.Background()), completeTime)
		defer cancel()
		var found []string
		for _, batch := range knownBatches(ctx, p) {
			if strings.HasPrefix(batch, begun) {
				found = append(found, batch)
			}
		}
		if len(found) == 0 {
			return manifestEndings, cobra.ShellCompDirectiveFilterFileExt
		}
		return append(found, manifestsHere(begun)...), cobra.ShellCompDirectiveNoFileComp
	}
}

// knownBatches are the batches in the bucket; none where it cannot be read, since a
// shell that completes has no place for an error.
func knownBatches(ctx context.Context, p app.Process) []string {
	s, err := config.Load(p.Environ)
	if err != nil {
		return nil
	}
	b, err := app.InBucket("")(ctx, s, nil)
	if err != nil {
		return nil
	}
	batches, err := batch.BatchesOf(ctx, b)
	if err != nil {
		return nil
	}
	return batches
}

// manifestsHere are the manifests in the working directory that begin like this, to
// stand beside batches.
func manifestsHere(begun string) []string {
	entries, err := os.ReadDir(".")
	if err != nil {
		return nil
	}
	var found []string
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() || !strings.HasPrefix(name, begun) {
			continue
		}
		for _, ending := range manifestEndings {
			if strings.HasSuffix(name, "."+ending) {
				found = append(found, name)
				break
			}
		}
	}
	return found
}
