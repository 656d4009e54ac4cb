package results

import (
	"encoding/json"
	"errors"
	"fmt"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
)

// sentHint is for a line of the list of what was sent that cannot be read.
const sentHint = "put back the file as it was, from a copy. Without this line a request that it alone names " +
	"is not looked for at the provider, and its job may be paid again"

var (
	// wholeSubmissions are the lines of the list of what was sent.
	wholeSubmissions = jsonl.Kind[job.Submission]{Start: `{"event":"`, Decode: decodeSubmission, Hint: sentHint}
	// briefSubmissions are the same lines without what is known of the job.
	briefSubmissions = jsonl.Kind[job.Submission]{Start: `{"event":"`, Decode: decodeBriefSubmission, Hint: sentHint}
)

var errNotASubmission = errors.New("not a request that was sent")

func decodeSubmission(line []byte) (job.Submission, error) {
	var s job.Submission
	if err := json.Unmarshal(line, &s); err != nil {
		return job.Submission{}, fmt.Errorf("%w: %w", errNotASubmission, err)
	}
	if !isSubmission(&s) {
		return job.Submission{}, errNotASubmission
	}
	return s, nil
}

func isSubmission(s *job.Submission) bool {
	return s.ID != "" && (s.Event == job.Intended || s.Event == job.Received || s.Event == job.Refused)
}

func decodeBriefSubmission(line []byte) (job.Submission, error) {
	var s job.Submission
	scanned := jsonl.Fields(line, func(name, value []byte) bool {
		switch string(name) {
		case "event":
			return jsonl.Text(&s.Event, value)
		case "job":
			return jsonl.Text(&s.ID, value)
		case "attempt":
			return jsonl.Number(&s.Attempt, value)
		case "at":
			return s.At.UnmarshalJSON(value) == nil
		default:
			return true
		}
	})
	if scanned && isSubmission(&s) {
		return s, nil
	}
	return decodeSubmission(line)
}
