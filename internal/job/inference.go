package job

import (
	"log/slog"
	"time"
)

// RunStatus is what the provider says of an inference.
type RunStatus string

// The statuses. Anything the provider says that is not known to be an end counts
// as RunActive.
const (
	RunActive    RunStatus = "active"
	RunSucceeded RunStatus = "succeeded"
	RunFailed    RunStatus = "failed"
	RunCanceled  RunStatus = "canceled"
	// RunNotFound says that the provider does not know the run, perhaps not yet.
	RunNotFound RunStatus = "not_found"
)

// Ended reports whether an inference of this status is over.
func (s RunStatus) Ended() bool { return s != RunActive && s != RunNotFound }

// Inference is one run on the provider's side.
type Inference struct {
	ID            string
	Model         string
	ProviderKeyID string // the provider's id of the API key that started it
	// Inputs are as the provider shows them: those that were sent, without
	// defaults; a listed prompt may be the id of a text asset instead.
	Inputs Inputs
	// Opaque says that model or inputs could not be read, so that nobody can tell
	// what was asked for.
	Opaque bool
	Status RunStatus
	// Strange is a status that nobody knows, in the provider's words; "" where it is known.
	Strange   string
	CreatedAt time.Time // the provider's clock; zero where it could not be read
	UpdatedAt time.Time
	AssetIDs  []string // in the order of the images
	Failure   string   // for a failed run: the provider's words
	Hint      string
	// Billed is cuCost plus all of cuCostDetails; BilledKnown is false while the
	// provider does not show it yet. It is not lowered by a refund.
	Billed      CU
	BilledKnown bool
	// Transient says that a failed run met a fault that may pass, so that the
	// same request may be sent again; a refusal of the content is not one.
	Transient bool
	// RefundDisabled says that the provider keeps the charge of a failed run.
	RefundDisabled bool
	// Images are the bytes themselves, in the order of AssetIDs, where they came with the
	// answer to the request and the provider keeps none.
	Images [][]byte
	// Foreign says that it shows other inputs than those of the request whose answer named
	// it. AskedBy is then the polled run whose request it answers, "" if it is none's.
	Foreign bool
	AskedBy string
	// Exact is the run's id as the provider writes it, where the answer to the request wrote
	// it in another letter case; else "".
	Exact string
}

// Link is a signed address of an asset. Whoever holds it can read the asset, so
// it hides itself wherever it is printed, logged or encoded; Reveal shows it.
type Link string

const hiddenLink = "[signed link]"

// Reveal returns the address itself, for the one place that fetches it.
func (l Link) Reveal() string { return string(l) }

// String hides the address.
func (Link) String() string { return hiddenLink }

// GoString hides the address.
func (Link) GoString() string { return hiddenLink }

// LogValue hides the address.
func (Link) LogValue() slog.Value { return slog.StringValue(hiddenLink) }

// MarshalText hides the address.
func (Link) MarshalText() ([]byte, error) { return []byte(hiddenLink), nil }

// Asset is one image on the provider's side.
type Asset struct {
	ID   string
	Link Link
	MIME string // as the provider says; the bytes decide
	Size int64  // bytes; 0 if not said
}
