package simulator

import (
	"encoding/json"
	"net/http"
)

// The controls take no key: who can reach the simulator may steer it.

// health answers that the simulator is ready.
func (s *Simulator) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"status": "ok", "models": len(s.models.models), "seed": s.options.Seed})
}

// showLedger answers the ledger with its totals; with ?totals=true the totals
// alone.
func (s *Simulator) showLedger(w http.ResponseWriter, r *http.Request) {
	reply := map[string]any{"totals": s.Totals()}
	if r.URL.Query().Get("totals") != "true" {
		reply["entries"] = s.Ledger()
	}
	writeJSON(w, http.StatusOK, reply)
}

func (s *Simulator) showFaults(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"faults": s.Faults()})
}

// replaceFaults sets the faults of the request in place of those before.
func (s *Simulator) replaceFaults(w http.ResponseWriter, r *http.Request) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	decoder.DisallowUnknownFields()
	var body struct {
		Faults []Fault `json:"faults"`
	}
	if err := decoder.Decode(&body); err != nil {
		reason(http.StatusBadRequest, `Want {"faults": [{"kind", "rate", "seed", "next", "seconds", "percent"}]}: %s`, err).write(w)
		return
	}
	if err := s.SetFaults(body.Faults...); err != nil {
		reason(http.StatusBadRequest, "%s", err).write(w)
		return
	}
	s.showFaults(w, r)
}

func (s *Simulator) clearFaults(w http.ResponseWriter, r *http.Request) {
	if err := s.SetFaults(); err != nil {
		reason(http.StatusInternalServerError, "%s", err).write(w)
		return
	}
	s.showFaults(w, r)
}

// changeKey revokes a key or restores it.
func (s *Simulator) changeKey(w http.ResponseWriter, r *http.Request) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	decoder.DisallowUnknownFields()
	var body struct {
		Revoke  string `json:"revoke"`
		Restore string `json:"restore"`
	}
	err := decoder.Decode(&body)
	switch {
	case err != nil || (body.Revoke == "") == (body.Restore == ""):
		reason(http.StatusBadRequest, `Want {"revoke": name} or {"restore": name}`).write(w)
		return
	case body.Revoke != "":
		err = s.RevokeKey(body.Revoke)
	default:
		err = s.RestoreKey(body.Restore)
	}
	if err != nil {
		reason(http.StatusBadRequest, "%s", err).write(w)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"keys": s.keys.state()})
}
