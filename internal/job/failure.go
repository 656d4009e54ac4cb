package job

import (
	"errors"
	"fmt"
	"time"
)

// ErrInvalid marks a request that can never succeed as it is: the provider (or
// our own check) refused its content. The job fails at once.
var ErrInvalid = errors.New("invalid request")

// ErrDamaged marks what the bucket holds and cannot be read: a person has to see to it.
var ErrDamaged = errors.New("damaged")

// ErrInterrupted is the cause with which work is cancelled at shutdown. The work
// goes back to the queue; it is not an attempt.
var ErrInterrupted = errors.New("interrupted by shutdown")

// ErrNotFound says that the provider does not know the thing asked for.
var ErrNotFound = errors.New("not found")

// ErrOtherKey says that an attempt is reserved on an API key that may not run it
// any more; who owns the attempt releases it first.
var ErrOtherKey = errors.New("reserved on another API key")

// ErrGone says that a signed link no longer opens; read the asset again.
var ErrGone = errors.New("link expired or refused")

// Side is who did not do its part where an image is not stored.
type Side string

// The sides.
const (
	SideProvider Side = "provider"  // it shows no such image, or does not answer
	SideLinkHost Side = "link host" // it gives no whole image
	SideBucket   Side = "bucket"    // it takes none
)

// SideError says which side an error is of.
type SideError struct {
	Side Side
	Err  error
}

func (e *SideError) Error() string { return e.Err.Error() }
func (e *SideError) Unwrap() error { return e.Err }

// LinkRefusedError says that a link leads to where no image is fetched from. Another link
// of the asset may lead elsewhere.
type LinkRefusedError struct {
	Host string // "" where the link names none
	Why  string // fit to be shown
	// Inner says that the host is one of this machine or its network, so that a person can
	// allow it.
	Inner bool
}

func (e *LinkRefusedError) Error() string {
	if e.Host == "" {
		return "the link is refused: " + e.Why
	}
	return "the link to " + e.Host + " is refused: " + e.Why
}

// ProviderError is an error of a kind, [ErrInvalid] or [ErrNotFound], with the
// words in which the provider said it.
type ProviderError struct {
	Kind  error
	Words string // fit to be shown
}

func (e *ProviderError) Error() string { return e.Kind.Error() + ": " + e.Words }
func (e *ProviderError) Unwrap() error { return e.Kind }

// PaidDryRunError says that a request for a price has started an inference, which
// is paid. No price is asked for again before a person has found out why: each
// time costs.
type PaidDryRunError struct {
	Model     string
	Inference string // the provider's id of the run; "" where the reply names none that can be read
	// Cost is what the reply says that it costs; CostKnown is false where it does not.
	Cost      CU
	CostKnown bool
}

func (e *PaidDryRunError) Error() string {
	text := "the dry run started "
	if e.Inference == "" {
		text += "an inference without a name"
	} else {
		text += "inference " + e.Inference
	}
	text += ", which is PAID"
	if e.CostKnown {
		text += " (" + e.Cost.String() + " CU)"
	}
	return text
}

// RejectedError is a refusal for a reason that a person needs to see, moderation
// above all. The job fails and is never repeated blindly.
type RejectedError struct {
	Reason string // the provider's words
	Hint   string // what a person can do
}

func (e *RejectedError) Error() string { return "rejected: " + e.Reason }

// PostponedError says that the work cannot be done now for a known reason. It is
// run again after the time and does not count as an attempt.
type PostponedError struct {
	After  time.Duration
	Reason WaitReason
	Detail string // "7 of 7 running", for people
	// NeedsOperator says that no time ends the wait: a person must change something. After
	// is only when to look again.
	NeedsOperator bool
}

func (e *PostponedError) Error() string {
	text := fmt.Sprintf("postponed for %s: %s", e.After.Round(time.Millisecond), e.Reason)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// UnknownOutcomeError says that a paid request may or may not have been accepted.
// Nothing is sent again before the provider's job list was looked at.
type UnknownOutcomeError struct{ Err error }

func (e *UnknownOutcomeError) Error() string { return "outcome unknown: " + e.Err.Error() }
func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// Limit is one of the provider's limits that a 429 can speak of.
type Limit string

// The four 429s.
const (
	LimitParallel  Limit = "parallel"  // too many jobs run; Ceiling is how many may
	LimitAllowance Limit = "allowance" // credits or plan used up; waiting does not help
	LimitCooldown  Limit = "cooldown"  // pause for After
	LimitRate      Limit = "rate"      // too many requests; After is a hint or 0
)

// ScopeTeam is the scope of a limit that all API keys of a team share.
const ScopeTeam = "team"

// LimitError is a 429: the request was not accepted and cost nothing.
type LimitError struct {
	Limit   Limit
	Action  string        // the provider's actionName
	Scope   string        // whose limit it is: ScopeTeam, or another word of the provider's
	Ceiling int           // LimitParallel: actionLimit; 0 if not said
	After   time.Duration // LimitCooldown, LimitRate
	Detail  string        // the provider's words
	// NoneAllowed says of a LimitAllowance that the provider lets no job run at all:
	// its ceiling of running jobs is 0, so no slot will ever be free.
	NoneAllowed bool
}

func (e *LimitError) Error() string {
	text := "limit reached: " + string(e.Limit)
	if e.Action != "" {
		text += " (" + e.Action + ")"
	}
	if e.NoneAllowed {
		text += ": no job may run at all"
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Access says why a key was refused.
type Access string

// The refusals.
const (
	AccessKey   Access = "key"   // 401: the key or its secret is wrong
	AccessScope Access = "scope" // 403: the key may not do this
	AccessPlan  Access = "plan"  // 403: the plan does not include the model
	// AccessProject is a 403 because the key may not act for the project that it is given.
	AccessProject Access = "project"
)

// AssetGoneError says that the provider does not have an asset that a request names. It is
// an [ErrInvalid] like any request that can never succeed as it is.
type AssetGoneError struct {
	Asset string
	Err   error // the provider's words
}

func (e *AssetGoneError) Error() string { return e.Err.Error() }

// Unwrap returns the provider's words.
func (e *AssetGoneError) Unwrap() error { return e.Err }

// Action is what an API key may do with the right scope; its words follow "may not".
type Action string

// The actions. A run needs all but the last.
const (
	ReadRuns    Action = "read the list of inferences"
	ReadAssets  Action = "read assets"
	ReadModels  Action = "read models"
	RunModels   Action = "run models"
	ReadCharges Action = "read what was charged"
	WriteAssets Action = "upload pictures"
)

// AccessError is a 401 or 403.
type AccessError struct {
	Access       Access
	RequiredPlan string // AccessPlan
	Project      string // AccessProject
	Detail       string // the provider's words
}

func (e *AccessError) Error() string {
	text := "access refused: " + string(e.Access)
	if e.RequiredPlan != "" {
		text += " (needs plan " + e.RequiredPlan + ")"
	}
	if e.Project != "" {
		text += " (the API key may not act for project " + e.Project + ")"
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// ScopeError is a refusal of something that needs a scope which the API key has not.
type ScopeError struct {
	Action  Action
	Scope   string // its name
	Refusal *AccessError
}

func (e *ScopeError) Error() string {
	text := "access refused: the API key may not " + string(e.Action) + ", which needs the scope " + e.Scope
	if e.Refusal != nil {
		text += ": " + e.Refusal.Detail
	}
	return text
}
func (e *ScopeError) Unwrap() error { return e.Refusal }

// BadImageError says that bytes are not the whole image they should be. A new
// download may give a good one.
type BadImageError struct {
	Reason string
	Bytes  int64 // how many were seen
}

func (e *BadImageError) Error() string {
	return fmt.Sprintf("bad image after %d bytes: %s", e.Bytes, e.Reason)
}

// HintedError carries what a person can do about an error.
type HintedError struct {
	Err  error
	Hint string
}

func (e *HintedError) Error() string { return e.Err.Error() }
func (e *HintedError) Unwrap() error { return e.Err }

// InputError is something that the person who called has to correct; nothing was
// submitted and nothing written.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }
func (e *InputError) Unwrap() error { return e.Err }

// Hint returns what a person can do about err, or "".
func Hint(err error) string {
	if hinted, ok := errors.AsType[*HintedError](err); ok {
		return hinted.Hint
	}
	if rejected, ok := errors.AsType[*RejectedError](err); ok {
		return rejected.Hint
	}
	return ""
}

// ForeignAssetError says that an asset which the provider names for one run of ours was
// made by another, so that its image is another job's; or, where Run is empty, that it is a
// picture which the run was given.
type ForeignAssetError struct{ Asset, Run string }

func (e *ForeignAssetError) Error() string {
	if e.Run == "" {
		return fmt.Sprintf("asset %s is a picture that the job takes, and no image of its inference", e.Asset)
	}
	return fmt.Sprintf("asset %s was made by inference %s, which is another job's", e.Asset, e.Run)
}
