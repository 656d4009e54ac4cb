// Package pool is the API keys that a batch may use. [Connect] opens those of the
// settings or of the keys file, a [Keyring] follows changes of that file, and a
// [Limiter] gives the runner admission within the limits of key, project, team and
// batch. [Catalog] asks for models and prices, and [Limiter.Status] says how the keys
// stand.
//
// It promises that a batch of mode test is never sent with a live key, nor the other way
// round, and that what a key has sent can be found as long as one key of its project is
// known: a key whose API, project or team changes is refused.
package pool
