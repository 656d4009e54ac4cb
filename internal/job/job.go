package job

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Mode says what kind of API key a batch may use; a batch never mixes them.
type Mode string

// The modes.
const (
	Test Mode = "test"
	Live Mode = "live"
)

// Priority says which jobs of a pool go first.
type Priority string

// The priorities.
const (
	Urgent    Priority = "urgent"
	Normal    Priority = "normal"
	Overnight Priority = "overnight"
)

// Priorities lists the priorities, the most pressing first.
var Priorities = []Priority{Urgent, Normal, Overnight}

// ID names a job by its content: equal model, inputs and output names give the
// same ID, and any change gives another. It is 16 lower-case letters and digits.
type ID string

// Valid reports whether it can be the ID of a job at all.
func (id ID) Valid() bool {
	return len(id) == idLength && !strings.ContainsFunc(string(id), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') })
}

const idLength = 16

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Identify returns the ID of the job with this model, inputs and outputs. Inputs
// are those the manifest asks for: a drawn seed is not among them, because it is
// drawn from the ID.
func Identify(model string, inputs Inputs, outputs []string) ID {
	buffer := contents.Get().(*[]byte)
	defer contents.Put(buffer)
	content := appendPart((*buffer)[:0], model)
	start := len(content) + partHead
	content = inputs.AppendCanonical(append(content, make([]byte, partHead)...))
	binary.BigEndian.PutUint64(content[start-partHead:], uint64(len(content)-start))
	for _, output := range outputs {
		content = appendPart(content, output)
	}
	*buffer = content
	sum := sha256.Sum256(content)
	var id [idLength]byte
	idEncoding.Encode(id[:], sum[:10])
	return ID(id[:])
}

// Rolled is the id of the job when its row is rolled again for the n-th time: it has the
// same content and draws another seed. The first roll, 0, is the job itself.
func (id ID) Rolled(n int) ID {
	if n == 0 {
		return id
	}
	sum := sha256.Sum256(appendPart(appendPart(nil, string(id)), "roll "+strconv.Itoa(n)))
	var rolled [idLength]byte
	idEncoding.Encode(rolled[:], sum[:10])
	return ID(rolled[:])
}

// contents keeps the memory in which jobs were identified for the next ones.
var contents = sync.Pool{New: func() any { return new([]byte) }}

// partHead is the size of a part's length, which stands before it, so that no two
// lists of parts are the same bytes.
const partHead = 8

func appendPart(content []byte, part string) []byte {
	return append(binary.BigEndian.AppendUint64(content, uint64(len(part))), part...)
}

// DrawSeed returns the seed that a job gets when its manifest names none: always
// the same for the same batch and job, so that an inference whose reply was lost
// can be recognised even when everything but the plan is gone. limit is the
// largest seed the model takes.
func DrawSeed(batch string, id ID, limit int64) int64 {
	const usual = 128 // bytes that most names fit in
	text := append(make([]byte, 0, usual), "seed\x00"...)
	text = append(append(append(text, batch...), 0), id...)
	sum := sha256.Sum256(text)
	return int64(binary.BigEndian.Uint64(sum[:8])>>1) % (limit + 1)
}

// Job is one inference request with the images it is to make, as a plan holds it.
type Job struct {
	ID    ID     `json:"job"`
	Index int    `json:"index"`           // place in the plan, from 0
	Row   string `json:"row"`             // the manifest's id of the row
	Place string `json:"place,omitempty"` // "icons.yaml:12", for messages
	Model string `json:"model"`
	// Inputs are sent as they are: seed and image count included.
	Inputs Inputs `json:"inputs"`
	// PromptInput is the name of the input that holds the prompt.
	PromptInput string `json:"promptInput,omitempty"`
	// PictureInputs are the names of the inputs that hold pictures, as [Picture] or as ids of
	// assets, in the order in which the manifest gives them.
	PictureInputs []string `json:"pictureInputs,omitempty"`
	// PictureNames are what the manifest calls pictures that the plan names by their hash, for people.
	PictureNames map[string]string `json:"pictureNames,omitempty"`
	// Picked says that the job runs only once a person has picked what it is made of.
	Picked bool `json:"picked,omitempty"`
	// Made are the images of other jobs that it takes, by their picture, and NeedFailed is why
	// there is none, once that is known.
	Made       map[string]Made `json:"made,omitempty"`
	NeedFailed *NeedFailed     `json:"needFailed,omitempty"`
	// Assets are what is sent in place of its pictures, as the project of the API key has them.
	Assets map[string]string `json:"assets,omitempty"`
	// SeedDrawn says that the seed was drawn for this job, so that no request of anybody
	// else has it beside the same inputs.
	SeedDrawn bool `json:"seedDrawn,omitempty"`
	// Outputs are the object keys of the images within the batch's folder, in
	// submission; each may still hold "{ext}".
	Outputs []string `json:"outputs"`
	// Variables are the row's and axes' values, for people to filter by.
	Variables map[string]string `json:"variables,omitempty"`
	Quote     CU                `json:"quote"` // the dry run's price, reserved before sending
	// Before is how many attempts earlier runs of the batch have made of it. Attempts
	// are counted on, so that each has a number of its own in the log of attempts.
	Before int `json:"before,omitempty"`
	// Order is what a fleet feeds the job for; "" for a run. A record is made only while
	// its batch is worked on for this submission. A plan does not hold it.
	Order string `json:"order,omitempty"`
}

// Prompt is the text that the job sends as its prompt, or "".
func (j *Job) Prompt() string {
	text, _ := j.Inputs[j.PromptInput].(string)
	return text
}

// Seed is the seed that the job sends, as text, or "" where it sends none.
func (j *Job) Seed() string { return j.Inputs.seed() }

func (in Inputs) seed() string {
	switch seed := in[SeedInput].(type) {
	case json.Number:
		return seed.String()
	case string:
		return seed
	default:
		return ""
	}
}

// SeedInput is the name that every known model gives to its seed.
const SeedInput = "seed"

// CountInputs are the names that models give to the number of images of one
// request, in the order in which they are looked for.
var CountInputs = []string{"numOutputs", "numImages", "numSamples"}

// DefaultPool is the pool of API keys of batches whose manifest names none.
const DefaultPool = "default"

// State is where a job is in its life.
type State string

// The states. Waiting is a reason on a queued job, not a state.
const (
	Queued    State = "queued"
	Sending   State = "sending" // the paid request may be out
	Running   State = "running" // the inference's id is known
	Unknown   State = "unknown" // sent, answer lost
	Storing   State = "storing" // the inference ended, its images are being stored
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Final reports whether a job in this state is over.
func (s State) Final() bool { return s == Succeeded || s == Failed || s == Cancelled }

// Image is one asset as it was stored.
type Image struct {
	Key     string `json:"key"`   // within the batch's folder
	Asset   string `json:"asset"` // the provider's asset id
	Bytes   int64  `json:"bytes"`
	Format  string `json:"format"` // png, jpeg, webp
	Width   int    `json:"width"`
	Height  int    `json:"height"`
	CRC32   string `json:"crc32"`             // IEEE, eight hex digits, over the whole object
	Warning string `json:"warning,omitempty"` // what differs from the manifest's wish
}

// The kinds of failure as results name them.
const (
	KindInvalid  = "invalid"  // the request can never succeed as it is
	KindRejected = "rejected" // refused for its content
	KindAccess   = "access"   // the API key may not do this
	KindProvider = "provider" // a fault of the provider, which may pass
	// KindStorage is that of a job whose run is paid for and whose images could not be
	// stored.
	KindStorage = "storage"
	// KindNeed is that of a job of which another has not made what it takes.
	KindNeed = "need"
)

// FailureKinds are all kinds of failure.
var FailureKinds = []string{KindInvalid, KindRejected, KindAccess, KindProvider, KindStorage, KindNeed}

// Cost is what the job cost, refunds taken off.
func (r *Result) Cost() CU { return r.Billed - r.Refunded }

// RefusedAndCharged reports whether the provider refused the job for its content and kept
// the charge: sent again as it is, it would be paid again for nothing.
func (r *Result) RefusedAndCharged() bool {
	return r.State == Failed && r.Kind == KindRejected && r.Cost() > 0
}

// Key is the object key of image i of the result in the folder of its batch.
func (r *Result) Key(batch string, i int) string { return batch + "/" + r.Images[i].Key }

// Result is how a job ended: one line of results.jsonl or errors.jsonl.
type Result struct {
	Job       ID                `json:"job"`
	Index     int               `json:"index"`
	Row       string            `json:"row"`
	State     State             `json:"state"`
	Model     string            `json:"model"`
	Prompt    string            `json:"prompt,omitempty"`
	Inputs    Inputs            `json:"inputs"`
	Variables map[string]string `json:"variables,omitempty"`
	Seed      string            `json:"seed,omitempty"`
	Outputs   []string          `json:"outputs"` // as planned, "{ext}" not filled in
	Images    []Image           `json:"images,omitempty"`
	Inference string            `json:"inference,omitempty"` // the provider's id of the run
	APIKey    string            `json:"apiKey,omitempty"`    // the id of the API key that paid
	Attempts  int               `json:"attempts"`
	Quoted    CU                `json:"quoted"`
	Billed    CU                `json:"billed"`
	Refunded  CU                `json:"refunded"`
	// Charge is the bill of the last attempt by itself, where this line is the one that
	// tells it. Billed and Refunded are those of all attempts.
	Charge    *Charge   `json:"charge,omitempty"`
	Kind      string    `json:"kind,omitempty"`   // kind of failure
	Reason    string    `json:"reason,omitempty"` // for a failed job: what happened
	Hint      string    `json:"hint,omitempty"`   // and what a person can do
	Submitted time.Time `json:"submitted,omitzero"`
	Ended     time.Time `json:"ended,omitzero"` // the inference, by the provider's clock
	Recorded  time.Time `json:"recorded"`
	// Order is the submission for which it was made; earlier versions did not name it.
	Order string `json:"order,omitempty"`
}

// Of reports whether the result is of a submission that began at a time. What names its
// submission needs no clock for that: those of two machines may differ.
func (r *Result) Of(order string, began time.Time) bool {
	if r.Order != "" && order != "" {
		return r.Order == order
	}
	return !r.Recorded.Before(began)
}
