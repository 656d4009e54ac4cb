package scenario

import (
	"context"
	"slices"
	"sync"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// Limited is the same client whose requests are counted, but for those of Submit.
func (c *Client) Limited(requests provider.Requests) provider.Provider {
	limited := *c // what it learns is shared
	limited.requests = requests
	return &limited
}

// uncounted is the request rate of a client whose requests its caller counts.
type uncounted struct{}

func (uncounted) Wait(context.Context) error                         { return nil }
func (uncounted) Refused(_ context.Context, err error) (bool, error) { return false, err }
func (uncounted) Plenty(context.Context) bool                        { return true }

// Recent returns recent inferences, of all API keys of the project: one request's
// worth, the newest first. Errors are those of [Client.Inferences].
func (c *Client) Recent(ctx context.Context) ([]job.Inference, error) {
	runs, _, err := c.Inferences(ctx, "", MaxPage)
	return runs, err
}

// ProviderKeyIDs are what the API calls this API key, as far as it was seen.
func (c *Client) ProviderKeyIDs() []string { return c.names.all() }

// names are what the API calls an API key: inferences name their author so.
type names struct {
	mu   sync.Mutex
	seen []string
}

func (n *names) learn(author string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if author != "" && !slices.Contains(n.seen, author) {
		n.seen = append(n.seen, author)
	}
}

func (n *names) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.seen)
}
