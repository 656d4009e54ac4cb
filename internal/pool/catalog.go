package pool

import (
	"context"
	"errors"

	"nightshift/internal/app"
	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// Catalog asks for models and prices with the API keys of a batch, one after the
// other where the API refuses one: what another key may do need not fail.
type Catalog struct {
	Keys     *Keyring
	FromFile bool

	placeholders placeholders
}

// Model reads a model. If every key is refused the error is that of the last; else it is
// the provider's.
func (c *Catalog) Model(ctx context.Context, id string) (model *job.Model, err error) {
	err = c.try(func(account provider.Account) (err error) {
		model, err = account.Model(ctx, id)
		return err
	})
	return model, err
}

// Quote asks for the price of a request. Errors are as of [Catalog.Model].
func (c *Catalog) Quote(ctx context.Context, r job.Request) (quote job.Quote, err error) {
	err = c.tryKeys(func(key *Key) error {
		asked, err := c.forQuote(ctx, key, r)
		if err == nil {
			quote, err = key.Account.Quote(ctx, asked)
		}
		return err
	})
	return quote, err
}

// Recent are recent runs; none where the provider shows none. Errors are as of
// [Catalog.Model].
func (c *Catalog) Recent(ctx context.Context) (runs []job.Inference, err error) {
	err = c.try(func(account provider.Account) (err error) {
		if l, can := account.(app.Lister); can {
			runs, err = l.Recent(ctx)
		}
		return err
	})
	return runs, err
}

// try makes a call with the first key that the API lets make it. If it refuses all,
// the error is that of the last.
func (c *Catalog) try(call func(provider.Account) error) error {
	return c.tryKeys(func(key *Key) error { return call(key.Account) })
}

func (c *Catalog) tryKeys(call func(*Key) error) error {
	var refused error
	for _, key := range c.Keys.Usable(nil) {
		if key.refusals.stand() {
			continue
		}
		err := call(key)
		access, ok := errors.AsType[*job.AccessError](err)
		if !ok {
			return err
		}
		if access.Access == job.AccessKey {
			c.Keys.Refuse(key.ID)
			if c.FromFile {
				err = &BadKeyError{ID: key.ID, err: err}
			}
		}
		refused = err
	}
	if refused == nil {
		return &job.InputError{Err: errors.New("the API refused all API keys of the pool")}
	}
	return refused
}

// BadKeyError says which key of the keys file the API refused.
type BadKeyError struct {
	ID  string
	err error
}

func (e *BadKeyError) Error() string { return "API key " + e.ID + ": " + e.err.Error() }

func (e *BadKeyError) Unwrap() error { return e.err }
