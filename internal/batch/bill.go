package batch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
)

// bill is what a result says of the money: which attempt it ends, and its bill, if this
// is the line that tells it.
type bill struct {
	job       job.ID
	state     job.State
	attempt   int
	apiKey    string
	submitted time.Time
	recorded  time.Time
	charge    *job.Charge
}

// sent is when the request was sent.
func (b *bill) sent() time.Time {
	if b.submitted.IsZero() {
		return b.recorded
	}
	return b.submitted
}

// bills are the lines of a results log.
var bills = jsonl.Kind[bill]{Start: `{"job":"`, Decode: decodeBill, Hint: logHint}

var errNotAResult = errors.New("not a result of a job")

func decodeBill(line []byte) (bill, error) {
	var b bill
	if jsonl.Fields(line, b.set) && b.valid() {
		return b, nil
	}
	var r job.Result
	if err := json.Unmarshal(line, &r); err != nil {
		return bill{}, fmt.Errorf("%w: %w", errNotAResult, err)
	}
	b = bill{
		job: r.Job, state: r.State, attempt: r.Attempts, apiKey: r.APIKey,
		submitted: r.Submitted, recorded: r.Recorded, charge: r.Charge,
	}
	if !b.valid() {
		return bill{}, errNotAResult
	}
	return b, nil
}

func (b *bill) valid() bool {
	return b.job != "" && b.state.Final() && b.attempt <= maxAttempt && (b.charge == nil || b.charge.Refunded <= b.charge.Billed)
}

func (b *bill) set(name, value []byte) bool {
	switch string(name) {
	case "job":
		return jsonl.Text(&b.job, value)
	case "state":
		return jsonl.Text(&b.state, value)
	case "attempts":
		return jsonl.Number(&b.attempt, value)
	case "apiKey":
		return jsonl.Text(&b.apiKey, value)
	case "submitted":
		return b.submitted.UnmarshalJSON(value) == nil
	case "recorded":
		return b.recorded.UnmarshalJSON(value) == nil
	case "charge":
		b.charge = new(job.Charge)
		return jsonl.Fields(value, b.setCharge)
	default:
		return true
	}
}

func (b *bill) setCharge(name, value []byte) bool {
	switch string(name) {
	case "project":
		return jsonl.Text(&b.charge.Project, value)
	case "team":
		return jsonl.Text(&b.charge.Team, value)
	case "billed":
		return b.charge.Billed.UnmarshalJSON(value) == nil
	case "refunded":
		return b.charge.Refunded.UnmarshalJSON(value) == nil
	default:
		return true
	}
}

// Bill looks up what an attempt that is over was billed, and what of it was given back.
func Bill(ctx context.Context, b Bucket, batch string, id job.ID, attempt int) (billed, refunded job.CU, err error) {
	for _, name := range []string{failedName, succeededName} {
		for line, err := range bills.ReadObject(ctx, b, objectKey(batch, name)) {
			if found := line.Value; err != nil || found.job == id && found.attempt == attempt && found.charge != nil {
				return chargeOf(found.charge, err)
			}
		}
	}
	for line, err := range attemptLines.ReadObject(ctx, b, objectKey(batch, attemptsName)) {
		if found := line.Value; err != nil || found.Event == job.Ended && found.Job == id && found.Attempt == attempt {
			return found.Billed, found.Refunded, err
		}
	}
	return 0, 0, nil
}

func chargeOf(c *job.Charge, err error) (billed, refunded job.CU, _ error) {
	if err != nil {
		return 0, 0, err
	}
	return c.Billed, c.Refunded, nil
}
