package queue

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"nightshift/internal/job"
)

// read fills a record from the fields of its hash. Pairs of name and value.
func read(ref job.Ref, fields map[string]string) (*job.Record, error) {
	r := &job.Record{
		Ref: ref, State: job.State(fields["state"]), Priority: job.Priority(fields["priority"]),
		Inference: fields["inference"], APIKey: fields["apiKey"], Owner: fields["owner"],
	}
	number := reader{fields: fields}
	r.Fence = number.int("fence")
	r.Attempt = int(number.int("attempt"))
	r.Generation = int(number.int("generation"))
	r.StoreTries = int(number.int("storeTries"))
	r.Since = number.time("since")
	r.Intent = number.time("intent")
	r.Started = number.time("started")
	r.Counted = number.int("counted") == 1
	r.EarlierBilled = job.CU(number.int("earlierBilled"))
	r.EarlierRefunded = job.CU(number.int("earlierRefunded"))
	if number.err != nil {
		return nil, fmt.Errorf("read record of job %s: %w", ref, number.err)
	}
	if err := json.Unmarshal([]byte(fields["spec"]), &r.Job); err != nil {
		return nil, fmt.Errorf("read record of job %s: %w", ref, err)
	}
	if assets := fields["assets"]; assets != "" {
		r.Job.Assets = nil
		if err := json.Unmarshal([]byte(assets), &r.Job.Assets); err != nil {
			return nil, fmt.Errorf("read record of job %s: %w", ref, err)
		}
	}
	if avoid := fields["avoid"]; avoid != "" {
		if err := json.Unmarshal([]byte(avoid), &r.Avoid); err != nil {
			return nil, fmt.Errorf("read record of job %s: %w", ref, err)
		}
	}
	if outcome := fields["outcome"]; outcome != "" {
		r.Outcome = new(job.Outcome)
		if err := json.Unmarshal([]byte(outcome), r.Outcome); err != nil {
			return nil, fmt.Errorf("read record of job %s: %w", ref, err)
		}
	}
	return r, nil
}

// pairs makes a map of a list of fields and values.
func pairs(list []string) map[string]string {
	fields := make(map[string]string, len(list)/2)
	for pair := range slices.Chunk(list, 2) {
		fields[pair[0]] = pair[1]
	}
	return fields
}

// fieldMap makes a map of a script's list of fields and values.
func fieldMap(reply any) (map[string]string, error) {
	list, ok := reply.([]any)
	if !ok {
		return nil, fmt.Errorf("redis answered %T for a record", reply)
	}
	texts := make([]string, len(list))
	for i, item := range list {
		if texts[i], ok = item.(string); !ok {
			return nil, fmt.Errorf("redis answered %T for a field", item)
		}
	}
	return pairs(texts), nil
}

// reader reads numbers out of a hash and keeps the first error.
type reader struct {
	fields map[string]string
	err    error
}

func (r *reader) int(name string) int64 {
	text := r.fields[name]
	if text == "" {
		return 0
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("field %s: %w", name, err)
	}
	return value
}

func (r *reader) time(name string) time.Time {
	if ms := r.int(name); ms != 0 {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}
