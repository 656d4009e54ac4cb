package telemetry

import (
	"time"

	"nightshift/internal/job"
)

// JobEnded counts a job that is over, once its result is recorded.
func (m *Metrics) JobEnded(r job.Result) {
	m.ended.WithLabelValues(closed(string(r.State), endStates)).Inc()
	for _, image := range r.Images {
		m.images.Inc()
		m.bytes.Add(float64(max(0, image.Bytes)))
	}
	m.cu.WithLabelValues(billed).Add(inCU(r.Billed))
	m.cu.WithLabelValues(refunded).Add(inCU(r.Refunded))
	// The two clocks differ, and a job that was refused has no run.
	if took := r.Ended.Sub(r.Submitted); !r.Submitted.IsZero() && took > 0 {
		m.inference.Observe(took.Seconds())
	}
}

// Request counts a request that is sent to the image API.
func (m *Metrics) Request(operation string) {
	m.requests.WithLabelValues(closed(operation, m.lists.Operations)).Inc()
}

// Submission counts a paid request by what became of its reply: one of
// [SubmissionAccepted], [SubmissionRefused] and [SubmissionLost].
func (m *Metrics) Submission(outcome string) {
	m.submissions.WithLabelValues(closed(outcome, outcomes)).Inc()
}

// ImageStored counts how long one image took from the start of its download until
// it was whole in the bucket.
func (m *Metrics) ImageStored(took time.Duration) { m.store.Observe(took.Seconds()) }

// inCU is an amount as Prometheus holds it; a counter never falls.
func inCU(amount job.CU) float64 { return float64(max(0, amount)) / float64(job.OneCU) }
