package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Lists are the closed lists of words that other packages own.
type Lists struct {
	Operations []string // requests to the image API
	KeyStates  []string // what an API key can be
}

// Metrics counts what a process does. Its methods may be called by many
// goroutines, and cost no more than an atomic addition.
type Metrics struct {
	registerer prometheus.Registerer
	lists      Lists

	ended       *prometheus.CounterVec
	images      prometheus.Counter
	bytes       prometheus.Counter
	cu          *prometheus.CounterVec
	requests    *prometheus.CounterVec
	submissions *prometheus.CounterVec
	inference   prometheus.Histogram
	store       prometheus.Histogram
}

// NewRegistry returns a registry that holds what is known of the process itself:
// its memory, goroutines, open files and processor time.
func NewRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// New registers the metrics; it panics when a registerer gets them twice. Every
// series of a closed list is there from the start, so that its first rise is seen.
func New(registerer prometheus.Registerer, version string, lists Lists) *Metrics {
	m := &Metrics{registerer: registerer, lists: lists}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "nightshift_build_info", Help: "The running program; always 1.",
		ConstLabels: prometheus.Labels{"version": named(version)},
	})
	build.Set(1)
	m.ended = counters("nightshift_jobs_ended_total", "Jobs that are over, by how they ended.", "state", endStates)
	m.images = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "nightshift_images_stored_total", Help: "Images that are whole in the bucket.",
	})
	m.bytes = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "nightshift_stored_bytes_total", Help: "Bytes of the images that are whole in the bucket.",
	})
	m.cu = counters("nightshift_cu_total", "Compute units of jobs that are over, all their attempts together.",
		"kind", []string{billed, refunded})
	m.requests = counters("nightshift_api_requests_total", "Requests sent to the image API.", "operation", lists.Operations)
	m.submissions = counters("nightshift_submissions_total", "Paid requests sent, by what became of the reply.", "outcome", outcomes)
	m.inference = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "nightshift_inference_duration_seconds",
		Help:    "Time from a job's last submission to the end of its run, by the provider's clock.",
		Buckets: []float64{1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 3600},
	})
	m.store = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "nightshift_store_duration_seconds",
		Help:    "Time to download one image, verify it and put it into the bucket.",
		Buckets: []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300},
	})
	registerer.MustRegister(build, m.ended, m.images, m.bytes, m.cu, m.requests, m.submissions, m.inference, m.store)
	return m
}

func counters(name, help, label string, values []string) *prometheus.CounterVec {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	for _, value := range values {
		vec.WithLabelValues(value)
	}
	return vec
}
