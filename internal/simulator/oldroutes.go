package simulator

import (
	"net/http"
	"strings"
)

// gone answers the list of inferences of older models. Scenario API: 410.
func gone(*http.Request, *Key) *reply {
	return reason(http.StatusGone, "SD 1.5 and SDXL inference is no longer available")
}

// textToImage answers POST /generate/txt2img, whose body names the model.
func (s *Simulator) textToImage(r *http.Request, _ *Key) *reply {
	var body struct {
		ModelID string `json:"modelId"`
	}
	if refused := decodeBody(r, &body); refused != nil {
		return refused
	}
	return s.oldRoute(body.ModelID)
}

// inferencesOf answers the routes below a model.
func (s *Simulator) inferencesOf(r *http.Request, _ *Key) *reply {
	return s.oldRoute(r.PathValue("id"))
}

// oldRoute is what older routes answer for a model. Scenario API: 400 for custom models,
// 500 for LoRAs of FLUX.2, 410 for SD models. Ids that are not known here count as those.
func (s *Simulator) oldRoute(id string) *reply {
	switch model := s.models.models[id]; {
	case model == nil:
		return gone(nil, nil)
	case model.Type == typeCustom:
		return reason(http.StatusBadRequest, "Standalone models are not supported for this endpoint")
	case strings.HasPrefix(model.Type, "flux.2"):
		return serverError()
	default:
		return gone(nil, nil)
	}
}
