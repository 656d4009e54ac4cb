package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// refusal is an answer that is not a success; as an error it carries itself to
// the place that writes it.
type refusal struct {
	status int
	body   map[string]any
}

func (r *refusal) Error() string { return fmt.Sprintf("refused with %d: %v", r.status, r.body) }

// reason is the usual refusal. Scenario API: 400 and 404 answer {"reason": text}.
func reason(status int, format string, args ...any) *refusal {
	return &refusal{status, map[string]any{"reason": fmt.Sprintf(format, args...)}}
}

// message is a refusal by the gateway. Scenario API: {"message": text}.
func message(status int, format string, args ...any) *refusal {
	return &refusal{status, map[string]any{"message": fmt.Sprintf(format, args...)}}
}

func (r *refusal) write(w http.ResponseWriter) { writeJSON(w, r.status, r.body) }

// writeJSON answers with a value that is known to encode.
func writeJSON(w http.ResponseWriter, status int, value any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // links stay readable
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("simulator: encode a reply: %v", err))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	// A client that has gone is no error of the simulator's.
	_, _ = w.Write(body.Bytes())
}

// told is what the API's clock showed at a time.
func (s *Simulator) told(t time.Time) time.Time { return t.Add(s.options.ClockSkew).UTC() }

// stamp writes a time as the API does: by its own clock, UTC, milliseconds, Z.
func (s *Simulator) stamp(t time.Time) string { return s.told(t).Format("2006-01-02T15:04:05.000Z") }

// dropConnection ends the request without an answer, as a broken network does.
func dropConnection() { panic(http.ErrAbortHandler) }

// gone answers the routes of older kinds of model. Scenario API: 410.
func gone(w http.ResponseWriter, _ *http.Request, _ *Key) {
	reason(http.StatusGone, "SD 1.5 and SDXL inference is no longer available").write(w)
}

func noSuchRoute(w http.ResponseWriter, _ *http.Request, _ *Key) {
	message(http.StatusNotFound, "Not Found").write(w)
}
