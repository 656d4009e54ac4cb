package simulator

import (
	"net/http"
	"time"
)

// handler answers a call.
type handler func(r *http.Request) *reply

// ServeHTTP is part of http.Handler.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h(r).write(w) }

// apiHandler answers an authenticated call.
type apiHandler func(r *http.Request, key *Key) *reply

// api puts the gateway in front of a handler: authentication, request rate and
// scope, in this order. Refused calls do not count against the rate. A call that gets
// through befalls the fault, if one is named.
func (s *Simulator) api(scope string, fault FaultKind, next apiHandler) handler {
	return func(r *http.Request) *reply {
		key := s.keys.authenticate(r)
		if key == nil || s.fault(FaultUnauthorized) != nil {
			return message(http.StatusUnauthorized, "Unauthorized")
		}
		if refused := s.admit(r, key); refused != nil {
			return refused
		}
		if !key.may(scope) {
			return message(http.StatusForbidden, "This API key does not have the scope %s", scope)
		}
		if fault != "" && s.fault(fault) != nil {
			return serverError()
		}
		return next(r, key)
	}
}

// admit applies the request rate and checks that the call speaks of the key's own
// project. Scenario API: projectId asserts the owner; over the request rate the
// gateway answers 429 without details.
func (s *Simulator) admit(r *http.Request, key *Key) *reply {
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
