package simulator

import (
	"encoding/json"
	"io"
	"net/http"
)

// The controls take no key: who can reach the simulator may steer it.

// health answers that the simulator is ready.
func (s *Simulator) health(*http.Request) *reply {
	return ok(map[string]any{"status": "ok", "models": len(s.models.models), "seed": s.options.Seed})
}

// showLedger answers the ledger with its totals; with ?totals=true the totals
// alone.
func (s *Simulator) showLedger(r *http.Request) *reply {
	body := map[string]any{"totals": s.Totals()}
	if r.URL.Query().Get("totals") != "true" {
		body["entries"], body["uploads"] = s.Ledger(), s.Uploads()
	}
	return ok(body)
}

func (s *Simulator) showFaults(*http.Request) *reply {
	return ok(map[string]any{"faults": s.Faults()})
}

// replaceFaults sets the faults of the request in place of those before.
func (s *Simulator) replaceFaults(r *http.Request) *reply {
	var body struct {
		Faults []Fault `json:"faults"`
	}
	if err := decodeStrictly(io.LimitReader(r.Body, maxRequestBytes), &body); err != nil {
		return reason(http.StatusBadRequest, `Want {"faults": [{"kind", "rate", "seed", "next", "seconds", "percent", "url"}]}: %s`, err)
	}
	if err := s.SetFaults(body.Faults...); err != nil {
		return reason(http.StatusBadRequest, "%s", err)
	}
	return s.showFaults(r)
}

func (s *Simulator) clearFaults(r *http.Request) *reply {
	_ = s.SetFaults() // nothing can be wrong with none
	return s.showFaults(r)
}

// changeKey revokes a key or restores it.
func (s *Simulator) changeKey(r *http.Request) *reply {
	var body struct {
		Revoke  string `json:"revoke"`
		Restore string `json:"restore"`
	}
	err := decodeStrictly(io.LimitReader(r.Body, maxRequestBytes), &body)
	switch {
	case err != nil || (body.Revoke == "") == (body.Restore == ""):
		return reason(http.StatusBadRequest, `Want {"revoke": name} or {"restore": name}`)
	case body.Revoke != "":
		err = s.RevokeKey(body.Revoke)
	default:
		err = s.RestoreKey(body.Restore)
	}
	if err != nil {
		return reason(http.StatusBadRequest, "%s", err)
	}
	return ok(map[string]any{"keys": s.keys.state()})
}

// decodeStrictly reads JSON and refuses fields that are not known.
func decodeStrictly(from io.Reader, into any) error {
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
