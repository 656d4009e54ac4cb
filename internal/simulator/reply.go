package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// reply is an answer in JSON.
type reply struct {
	status  int
	body    map[string]any
	header  map[string]string
	raw     string // in place of body, of a reply that is not ours
	notOurs bool
}

func ok(body map[string]any) *reply { return &reply{status: http.StatusOK, body: body} }

// reason is the usual refusal. Scenario API: 400 and 404 answer {"reason": text}.
func reason(status int, format string, args ...any) *reply {
	return &reply{status: status, body: map[string]any{"reason": fmt.Sprintf(format, args...)}}
}

// gatewayErrors are what AWS' API gateway calls its refusals. Scenario API: the name of
// an old bearer token's was seen in the header of a 403; the others are from AWS' reference.
var gatewayErrors = map[int]string{
	http.StatusUnauthorized:    "UnauthorizedException",
	http.StatusForbidden:       "ForbiddenException",
	http.StatusTooManyRequests: "TooManyRequestsException",
}

// message is a refusal by the gateway. Scenario API: {"message": text}.
func message(status int, format string, args ...any) *reply {
	refused := &reply{status: status, body: map[string]any{"message": fmt.Sprintf(format, args...)}}
	if name := gatewayErrors[status]; name != "" {
		refused.header = map[string]string{"X-Amzn-Errortype": name}
	}
	return refused
}

// write sends the reply, whose body is known to encode.
func (r *reply) write(w http.ResponseWriter) {
	for name, value := range r.header {
		w.Header().Set(name, value)
	}
	if r.notOurs {
		w.WriteHeader(r.status)
		_, _ = io.WriteString(w, r.raw) // a client that has gone is no error of the simulator's
		return
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // links stay readable
	if err := encoder.Encode(r.body); err != nil {
		panic(fmt.Sprintf("simulator: encode a reply: %v", err))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(r.status)
	// A client that has gone is no error of the simulator's.
	_, _ = w.Write(body.Bytes())
}

// decodeBody reads the JSON object of a request.
func decodeBody(r *http.Request, into any) *reply {
	data, refused := readBody(r)
	if refused != nil {
		return refused
	}
	if err := json.Unmarshal(data, into); err != nil {
		return reason(http.StatusBadRequest, "The request body is not a JSON object")
	}
	return nil
}

// readBody reads a request. Scenario API: a gateway of AWS stands in front, which takes
// 10 MB and refuses more in these words.
func readBody(r *http.Request) ([]byte, *reply) {
	data, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	if err != nil {
		return nil, reason(http.StatusBadRequest, "The request body could not be read")
	}
	if len(data) > maxRequestBytes {
		return nil, message(http.StatusRequestEntityTooLarge, "Request Too Long")
	}
	return data, nil
}

// maxRequestBytes is the most that the gateway takes in one call.
const maxRequestBytes = 10 << 20

// told is what the API's clock showed at a time.
func (s *Simulator) told(t time.Time) time.Time { return t.Add(s.options.ClockSkew).UTC() }

// stamp writes a time as the API does: by its own clock, UTC, milliseconds, Z.
func (s *Simulator) stamp(t time.Time) string { return s.told(t).Format("2006-01-02T15:04:05.000Z") }

// dropConnection ends the request without an answer, as a broken network does.
func dropConnection() { panic(http.ErrAbortHandler) }

func noSuchRoute(*http.Request, *Key) *reply {
	return message(http.StatusNotFound, "Not Found")
}
