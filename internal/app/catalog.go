package app

import (
	"context"
	"errors"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// catalog asks for models and prices with the API keys of a batch, one after the
// other where the API refuses one: what another key may do need not fail.
type catalog struct {
	keys     *keyring
	fromFile bool
}

func (c *catalog) Model(ctx context.Context, id string) (model *job.Model, err error) {
	err = c.try(func(account provider.Account) (err error) {
		model, err = account.Model(ctx, id)
		return err
	})
	return model, err
}

func (c *catalog) Quote(ctx context.Context, r job.Request) (quote job.Quote, err error) {
	err = c.try(func(account provider.Account) (err error) {
		quote, err = account.Quote(ctx, r)
		return err
	})
	return quote, err
}

func (c *catalog) Recent(ctx context.Context) (runs []job.Inference, err error) {
	err = c.try(func(account provider.Account) (err error) {
		if l, can := account.(lister); can {
			runs, err = l.Recent(ctx)
		}
		return err
	})
	return runs, err
}

// try makes a call with the first key that the API lets make it. If it refuses all,
// the error is that of the last.
func (c *catalog) try(call func(provider.Account) error) error {
	var refused error
	for _, key := range c.keys.usable(nil) {
		if key.refused {
			continue
		}
		err := call(key.account)
		access, ok := errors.AsType[*job.AccessError](err)
		if !ok {
			return err
		}
		if access.Access == job.AccessKey {
			c.keys.refuse(key.ID)
			if c.fromFile {
				err = &badKeyError{id: key.ID, err: err}
			}
		}
		refused = err
	}
	if refused == nil {
		return &inputError{errors.New("the API refused all API keys of the pool")}
	}
	return refused
}

// badKeyError says which key of the keys file the API refused.
type badKeyError struct {
	id  string
	err error
}

func (e *badKeyError) Error() string { return "API key " + e.id + ": " + e.err.Error() }
func (e *badKeyError) Unwrap() error { return e.err }
