package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"nightshift/internal/job"
)

// logHint is for a line of the log that cannot be read.
const logHint = "put back the file as it was, from a copy, or take out this line alone: what it says is then not known any more"

var (
	// wholeResults are the lines of a log.
	wholeResults = lineKind[job.Result]{start: `{"job":"`, decode: decodeResult, hint: logHint}
	// briefResults are the same lines without what no sum needs: model, prompt,
	// inputs, variables and seed, and of images only how many there are.
	briefResults = lineKind[job.Result]{start: `{"job":"`, decode: decodeBrief, hint: logHint}
)

var errNotAResult = errors.New("not a result of a job")

func decodeResult(line []byte) (job.Result, error) {
	var result job.Result
	if err := json.Unmarshal(line, &result); err != nil {
		return job.Result{}, fmt.Errorf("%w: %w", errNotAResult, err)
	}
	if result.Job == "" || !result.State.Final() {
		return job.Result{}, errNotAResult
	}
	return result, nil
}

func decodeBrief(line []byte) (job.Result, error) {
	var r job.Result
	if scanFields(line, func(name, value []byte) bool { return setField(&r, name, value) }) && r.Job != "" && r.State.Final() {
		return r, nil
	}
	return decodeResult(line)
}

// setField sets a field of those that a brief result has.
func setField(r *job.Result, name, value []byte) bool {
	switch string(name) {
	case "job":
		return setText(&r.Job, value)
	case "index":
		return setNumber(&r.Index, value)
	case "row":
		return setText(&r.Row, value)
	case "state":
		return setText(&r.State, value)
	case "outputs":
		return setTexts(&r.Outputs, value)
	case "images":
		return countImages(&r.Images, value)
	case "inference":
		return setText(&r.Inference, value)
	case "attempts":
		return setNumber(&r.Attempts, value)
	case "quoted":
		return r.Quoted.UnmarshalJSON(value) == nil
	case "billed":
		return r.Billed.UnmarshalJSON(value) == nil
	case "refunded":
		return r.Refunded.UnmarshalJSON(value) == nil
	case "kind":
		return setText(&r.Kind, value)
	case "reason":
		return setText(&r.Reason, value)
	case "hint":
		return setText(&r.Hint, value)
	case "submitted":
		return r.Submitted.UnmarshalJSON(value) == nil
	case "ended":
		return r.Ended.UnmarshalJSON(value) == nil
	case "recorded":
		return r.Recorded.UnmarshalJSON(value) == nil
	default:
		return true
	}
}

// setText takes a text; one with escapes goes the long way.
func setText[T ~string](to *T, value []byte) bool {
	if value[0] == '"' && bytes.IndexByte(value, '\\') < 0 {
		*to = T(value[1 : len(value)-1])
		return true
	}
	return json.Unmarshal(value, to) == nil
}

func setNumber(to *int, value []byte) (ok bool) {
	number, err := strconv.Atoi(string(value))
	*to = number
	return err == nil
}

func setTexts(to *[]string, value []byte) bool {
	return scanItems(value, func(item []byte) bool {
		var text string
		ok := setText(&text, item)
		*to = append(*to, text)
		return ok
	})
}

func countImages(to *[]job.Image, value []byte) bool {
	count := 0
	ok := scanItems(value, func([]byte) bool { count++; return true })
	*to = make([]job.Image, count)
	return ok
}
