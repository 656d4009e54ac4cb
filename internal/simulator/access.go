package simulator

import (
	"net/http"
	"time"
)

// apiHandler answers an authenticated call.
type apiHandler func(w http.ResponseWriter, r *http.Request, key *Key)

// api puts the gateway in front of a handler: authentication, request rate and
// scope, in this order. Refused calls do not count against the rate.
func (s *Simulator) api(scope string, next apiHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := s.keys.authenticate(r)
		if key == nil || s.fault(FaultUnauthorized) != nil {
			message(http.StatusUnauthorized, "Unauthorized").write(w)
			return
		}
		if refused := s.admit(r, key); refused != nil {
			refused.write(w)
			return
		}
		if !key.may(scope) {
			message(http.StatusForbidden, "This API key does not have the scope %s", scope).write(w)
			return
		}
		next(w, r, key)
	}
}

// admit applies the request rate and checks that the call speaks of the key's own
// project. Scenario API: projectId asserts the owner; over the request rate the
// gateway answers 429 without details.
func (s *Simulator) admit(r *http.Request, key *Key) *refusal {
	counted := s.book.countRequest(key.Project, r.Pattern, s.options.RequestsPerMinute, time.Now())
	if !counted || s.fault(FaultRateLimit) != nil {
		return message(http.StatusTooManyRequests, "Too Many Requests")
	}
	if project := r.URL.Query().Get("projectId"); project != "" && project != key.Project {
		return message(http.StatusForbidden, "This API key does not belong to the project %s", project)
	}
	return nil
}

// fault draws whether a fault of this kind befalls the present call; nil means no.
func (s *Simulator) fault(kind FaultKind) *drawnFault {
	fault := s.faults.draw(kind)
	if fault != nil {
		s.log.Info("fault injected", "kind", kind)
	}
	return fault
}
