package batch

import (
	"bytes"
	"encoding/json"
	"fmt"

	"nightshift/internal/job"
	"nightshift/internal/jsonl"
)

// logHint is for a line of a log that cannot be read.
const logHint = "put back the file as it was, from a copy, or take out this line alone: what it says is then not known any more"

var (
	// wholeResults are the lines of a log.
	wholeResults = jsonl.Kind[job.Result]{Start: `{"job":"`, Decode: decodeResult, Hint: logHint}
	// briefResults are the same lines without what no sum needs: model, prompt,
	// inputs, variables and seed, and of images all but their warnings.
	briefResults = jsonl.Kind[job.Result]{Start: `{"job":"`, Decode: decodeBrief, Hint: logHint}
)

// DecodeResult reads one line of a log. The error is a [job.HintedError].
func DecodeResult(line []byte) (job.Result, error) {
	result, err := decodeResult(line)
	if err != nil {
		return result, &job.HintedError{Err: err, Hint: logHint}
	}
	return result, nil
}

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
	if jsonl.Fields(line, func(name, value []byte) bool { return setResultField(&r, name, value) }) && r.Job != "" && r.State.Final() {
		return r, nil
	}
	return decodeResult(line)
}

// setResultField sets a field of those that a brief result has.
func setResultField(r *job.Result, name, value []byte) bool {
	switch string(name) {
	case "job":
		return jsonl.Text(&r.Job, value)
	case "index":
		return jsonl.Number(&r.Index, value)
	case "row":
		return jsonl.Text(&r.Row, value)
	case "state":
		return jsonl.Text(&r.State, value)
	case "outputs":
		return setTexts(&r.Outputs, value)
	case "images":
		return setImages(&r.Images, value)
	case "inference":
		return jsonl.Text(&r.Inference, value)
	case "attempts":
		return jsonl.Number(&r.Attempts, value)
	case "quoted":
		return r.Quoted.UnmarshalJSON(value) == nil
	case "billed":
		return r.Billed.UnmarshalJSON(value) == nil
	case "refunded":
		return r.Refunded.UnmarshalJSON(value) == nil
	case "kind":
		return jsonl.Text(&r.Kind, value)
	case "reason":
		return jsonl.Text(&r.Reason, value)
	case "hint":
		return jsonl.Text(&r.Hint, value)
	case "submitted":
		return r.Submitted.UnmarshalJSON(value) == nil
	case "ended":
		return r.Ended.UnmarshalJSON(value) == nil
	case "order":
		return jsonl.Text(&r.Order, value)
	case "recorded":
		return r.Recorded.UnmarshalJSON(value) == nil
	default:
		return true
	}
}

func setTexts(to *[]string, value []byte) bool {
	return jsonl.Items(value, func(item []byte) bool {
		var text string
		ok := jsonl.Text(&text, item)
		*to = append(*to, text)
		return ok
	})
}

// setImages counts the images and keeps their warnings, which few have.
func setImages(to *[]job.Image, value []byte) bool {
	images := []job.Image{}
	ok := jsonl.Items(value, func(item []byte) bool {
		var image job.Image
		ok := !bytes.Contains(item, []byte(`"warning":`)) || jsonl.Fields(item, func(name, value []byte) bool {
			return string(name) != "warning" || jsonl.Text(&image.Warning, value)
		})
		images = append(images, image)
		return ok
	})
	*to = images
	return ok
}
