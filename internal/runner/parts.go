package runner

import (
	"context"
	"io"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/provider"
)

// APIKeys are the API keys that the jobs of a pool were or may be sent with.
type APIKeys interface {
	// Provider is the API as an API key opens it, with its requests counted. A key that
	// is not known any more is an error that says what a person can do.
	Provider(apiKey string, requests provider.Requests) (provider.Provider, error)
	// Reader is the API key with which to read what another has sent: itself, or one
	// that sees the same runs while it is refused or gone.
	Reader(apiKey string) string
	// ProviderKeyIDs are what the provider calls an API key, as far as it is known, and since
	// when it has had its present credential; before, it may have been called otherwise.
	ProviderKeyIDs(apiKey string) (authors []string, since time.Time)
	// Account is the project and the team that the API key counts in.
	Account(apiKey string) (project, team string)
}

// Admission grants what a job needs of the limits. All methods may be repeated.
type Admission interface {
	// Reserve takes a place in the request rate, a slot and the CU on one of the API
	// keys that may run the job, those in avoid left out, and returns which, and how
	// long to wait before sending; or a *job.PostponedError. job.ErrOtherKey says that
	// the attempt is reserved on a key that may not run it any more.
	Reserve(ctx context.Context, ref job.Ref, attempt int, quote job.CU, avoid []string) (apiKey string, after time.Duration, err error)
	// Granted reports whether the attempt holds a grant already.
	Granted(ctx context.Context, ref job.Ref, attempt int) (bool, error)
	// Adopt reserves for a run that exists already, even past the limits; charged is
	// when the provider took its price.
	Adopt(ctx context.Context, ref job.Ref, attempt int, quote job.CU, apiKey string, charged time.Time) error
	// Others reports whether jobs may run on any API key not in avoid.
	Others(avoid []string) bool
	// Request takes a place in the request rate for a read, or returns a
	// *job.PostponedError.
	Request(ctx context.Context, apiKey string) error
	// Free gives back the slots of runs that have ended; their CU stay reserved.
	Free(ctx context.Context, ended []*job.Record) error
	// Settle turns the reservation into spend.
	Settle(ctx context.Context, ref job.Ref, attempt int, apiKey string, billed, refunded job.CU) error
	// Release gives everything back: nothing was spent.
	Release(ctx context.Context, ref job.Ref, attempt int, apiKey string) error
	// Hold grants nothing on an API key for a time, or where team is set on all keys
	// of its team.
	Hold(ctx context.Context, apiKey string, reason job.WaitReason, team bool, d time.Duration) error
	// Refuse lets a key rest that the API did not take, and returns what its jobs wait for.
	Refuse(ctx context.Context, apiKey, why string) (*job.PostponedError, error)
	// LearnCeiling lowers the number of runs at the same time; 0: to those that run now.
	LearnCeiling(ctx context.Context, apiKey string, ceiling int) error
	// Spare is the part of the request rate that is free now, from 0 to 1.
	Spare(ctx context.Context, apiKey string) (float64, error)
}

// Store keeps the records of unfinished jobs.
type Store interface {
	// Add makes the records of jobs of a batch, in state queued, where there are none. It
	// returns the states of all, "" for jobs that are over.
	Add(ctx context.Context, batch string, priority job.Priority, jobs ...*job.Job) ([]job.State, error)
	// Claim takes the job over if it is in one of the states, until it is in another one.
	// One that is being sent is claimed only by the process that sends it.
	Claim(ctx context.Context, ref job.Ref, states ...job.State) (rec *job.Record, claimed bool, err error)
	Get(ctx context.Context, ref job.Ref) (*job.Record, error)
	Change(ctx context.Context, r *job.Record, c job.Change) error
	// Send marks a queued job as being sent and parks its collect task, in one step.
	Send(ctx context.Context, r *job.Record, intent time.Time, apiKey string, after time.Duration) error
	Observe(ctx context.Context, ref job.Ref, c job.Change) error
	// Swap gives two running jobs each other's inference, and brings their records up to
	// date.
	Swap(ctx context.Context, a, b *job.Record) error
	Finish(ctx context.Context, r *job.Record, final job.State, images int) error
	In(ctx context.Context, state job.State, limit int) ([]job.Ref, error)
	Records(ctx context.Context, refs []job.Ref) ([]*job.Record, error)
	Ours(ctx context.Context, ids []string) (map[string]bool, error)
	Disown(ctx context.Context, before time.Time) error
	Counts(ctx context.Context, batch string) (job.Counts, error)
	RecordPoll(ctx context.Context) error
	LastPoll(ctx context.Context) (time.Time, error)
	// AnnounceWaiting says that a job of this priority waits for a limit; HigherWaiting whether any does that
	// goes before this priority. They speak for all processes.
	AnnounceWaiting(ctx context.Context, priority job.Priority, ttl time.Duration) error
	HigherWaiting(ctx context.Context, priority job.Priority) (bool, error)
}

// Tasks are the durable tasks of a pool.
type Tasks interface {
	Enqueue(ctx context.Context, priority job.Priority, generation int, refs ...job.Ref) error
	Park(ctx context.Context, ref job.Ref, generation int, after time.Duration) error
	// Collect notes which runs have ended, and lets the collect tasks of the jobs that are
	// to be stored run now.
	Collect(ctx context.Context, ended ...job.EndedRun) error
	// Recover gives the jobs of dead processes to those that live.
	Recover(ctx context.Context) error
}

// Lease is the right to watch the jobs of the pool, which one living process has.
type Lease interface {
	// Hold takes the lease, or reports false while another process has it.
	Hold(ctx context.Context) (bool, error)
	Drop(ctx context.Context) error
}

// Decisions pass what only a person can decide about a batch on, and the answers
// back.
type Decisions interface {
	// Publish replaces the open questions.
	Publish(ctx context.Context, open []job.Decision) error
	Answers(ctx context.Context) ([]job.Answer, error)
}

// ImageTarget is one image of a job as it is to be stored.
type ImageTarget struct {
	Ref       job.Ref
	Name      string // object key within the batch's folder; may end in "{ext}"
	Index     int    // of the image within the job, from 0
	Row       string
	Model     string
	Seed      string
	Inference string
	Asset     string
	APIKey    string // that paid for it
	Takes     bool   // the job was given the asset as a picture
}

// Pictures gives the provider what jobs take as pictures.
type Pictures interface {
	// Ready returns the assets that stand for the pictures of a job in the project of an API
	// key, and reports false where some are to be uploaded first.
	Ready(ctx context.Context, batch string, j *job.Job, apiKey string) (assets map[string]string, ready bool, err error)
	// Upload uploads them. A *job.PostponedError says that this goes on elsewhere, or that
	// nobody knows yet whether one was taken; job.ErrInvalid that one is not.
	Upload(ctx context.Context, batch string, j *job.Job, apiKey string, requests provider.Requests) error
	// There asks the provider whether it has an asset.
	There(ctx context.Context, apiKey, asset string, requests provider.Requests) (bool, error)
	// Gone notes that the provider does not have an asset any more.
	Gone(asset string)
}

// Images stores images, whole and verified or not at all.
type Images interface {
	// Existing reports an image that an earlier attempt stored already.
	Existing(ctx context.Context, w ImageTarget) (job.Image, bool, error)
	// Store streams and verifies the image. length is -1 if unknown. A
	// *job.BadImageError means that another download may do better.
	Store(ctx context.Context, w ImageTarget, body io.Reader, length int64) (job.Image, error)
}

// Results is the results log of one batch.
type Results interface {
	Append(ctx context.Context, r job.Result) error
}

// Attempts is the durable log of a batch's paid requests.
type Attempts interface {
	Note(ctx context.Context, line job.AttemptLine) error
}
