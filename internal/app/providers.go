package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"nightshift/internal/config"
	"nightshift/internal/egress"
	"nightshift/internal/job"
	"nightshift/internal/provider"
	"nightshift/internal/provider/scenario"
)

// ProviderOptions say how an API is reached.
type ProviderOptions struct {
	Transport http.RoundTripper      // of all requests; nil for transports of its own
	Observe   func(operation string) // if set, called with each request
	Links     egress.Rules           // further hosts that images may be fetched from
}

// OpenProvider opens the API of an API key.
func OpenProvider(key config.APIKey, options ProviderOptions) (provider.Account, error) {
	switch key.Provider {
	case config.ProviderScenario:
		o := scenario.Options{
			BaseURL: key.URL, Key: key.Key.Reveal(), Secret: key.Secret.Reveal(), Project: key.Project,
			Links: options.Links, Transport: options.Transport,
		}
		if options.Observe != nil {
			o.Observe = func(op scenario.Operation) { options.Observe(string(op)) }
		}
		return scenario.New(o)
	default:
		return nil, fmt.Errorf("this version knows no provider %q", key.Provider)
	}
}

// Operations are the names of the requests that providers make.
func Operations() []string {
	var names []string
	for _, op := range scenario.Operations {
		names = append(names, string(op))
	}
	return names
}

// What some providers can do beside what each can.
type (
	// checker finds out by free requests what a run needs and an API key may not do.
	checker interface {
		Check(ctx context.Context, place func(context.Context) error) ([]*job.ScopeError, error)
	}
	// Lister shows recent runs.
	Lister interface {
		Recent(ctx context.Context) ([]job.Inference, error)
	}
	// Accountant keeps an account of what it charged.
	Accountant interface {
		Usages(ctx context.Context, since, until time.Time) (provider.Usages, error)
	}
	// Namer has names of its own for API keys, and tells those that it has used.
	Namer interface {
		ProviderKeyIDs() []string
	}
)

// Check asks the API, where it can be asked, what a run needs and an API key may not do.
// place is called before each request. An error says that the key or its project is
// refused altogether, or that the API cannot be asked now.
func Check(ctx context.Context, account provider.Account, place func(context.Context) error) (missing []*job.ScopeError, err error) {
	if c, can := account.(checker); can {
		return c.Check(ctx, place)
	}
	return nil, nil
}
