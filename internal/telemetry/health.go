package telemetry

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"nightshift/internal/job"
)

// Check is one thing that must be so before the process may be given work.
type Check struct {
	Name string // "redis", "bucket", …
	Err  error  // nil when it is so
}

// Handler answers GET /metrics with what gatherer holds; GET /healthz with 200 while
// the process lives; and GET /readyz with 200 when all checks hold, or with 503 and
// JSON that says which do not and why. Checks get less than two seconds. Their errors
// are shown without addresses' credentials, paths and queries.
func Handler(gatherer prometheus.Gatherer, ready func(context.Context) []Check, logger *slog.Logger) http.Handler {
	logger = logger.With(AttrComponent, "health")
	checks := &shared[[]Check]{read: func(ctx context.Context) ([]Check, error) { return ready(ctx), nil }}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError,
		ErrorLog:      slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, logger, http.StatusOK, struct {
			Alive bool `json:"alive"`
		}{true})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		results, err := checks.ask(r.Context(), context.WithoutCancel(r.Context()))
		if err != nil {
			results = []Check{{"checks", err}}
		}
		state := readiness(results)
		status := http.StatusOK
		if !state.Ready {
			status = http.StatusServiceUnavailable
		}
		answer(w, r, logger, status, state)
	})
	return mux
}

// readyState is the body of /readyz.
type readyState struct {
	Ready  bool      `json:"ready"`
	Checks []checked `json:"checks"`
}

type checked struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
}

func readiness(checks []Check) readyState {
	state := readyState{Ready: true, Checks: []checked{}}
	for _, check := range checks {
		c := checked{Name: check.Name, OK: check.Err == nil}
		if check.Err != nil {
			state.Ready = false
			c.Error, c.Hint = harmless(check.Err.Error()), harmless(job.Hint(check.Err))
		}
		state.Checks = append(state.Checks, c)
	}
	return state
}

func answer(w http.ResponseWriter, r *http.Request, logger *slog.Logger, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		logger.DebugContext(r.Context(), "answer not written, the caller went away", AttrErr, err)
	}
}
