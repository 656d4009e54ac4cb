package simulator

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/job"
)

// generate answers POST /generate/custom/{id}. Scenario API: dryRun counts as a
// query parameter only and then answers 269; in the body it is ignored, and paid.
func (s *Simulator) generate(r *http.Request, key *Key) *reply {
	dry, err := strconv.ParseBool(r.URL.Query().Get("dryRun"))
	dry = dry && err == nil
	model, inputs, refused := s.readRequest(r, key)
	if refused != nil {
		return refused
	}
	if !dry {
		s.deleteInput(model, inputs, key)
	}
	files, refused := s.readFiles(model, inputs, key)
	if refused != nil {
		return refused
	}
	cost := model.price(inputs)
	if dry {
		return &reply{status: statusDryRun, body: cost.quote(map[string]any{})}
	}
	run, refused := s.accept(&order{key: key, model: model, inputs: inputs, files: files, cost: cost})
	if refused != nil {
		return refused
	}
	s.log.Debug("job accepted", "job", run.id, "model", model.ID, "cu", run.charge.total(), "key", key.ID)
	return s.replyAccepted(run)
}

// statusDryRun is the status of a dry run. Scenario API: 269.
const statusDryRun = 269

func (p price) quote(body map[string]any) map[string]any {
	details := map[string]any{actionGeneration: p.generation}
	if p.qualityGate > 0 {
		details["quality-gate"] = p.qualityGate
	}
	body["creativeUnitsCost"] = p.total()
	body["creativeUnitsDiscount"] = 0
	body["costDetails"] = details
	return body
}

// readRequest finds the model and checks the inputs.
func (s *Simulator) readRequest(r *http.Request, key *Key) (*model, job.Inputs, *reply) {
	id := r.PathValue("id")
	model := s.models.models[id]
	if model == nil {
		return nil, nil, noSuchModel(id)
	}
	if model.Type != typeCustom {
		return nil, nil, reason(http.StatusBadRequest, "Custom models only are supported for this endpoint")
	}
	if refused := modelRestricted(model, key); refused != nil {
		return nil, nil, refused
	}
	body, refused := readBody(r)
	if refused != nil {
		return nil, nil, refused
	}
	inputs, err := job.DecodeInputs(body)
	if err != nil || inputs == nil {
		return nil, nil, reason(http.StatusBadRequest, "The request body is not a JSON object")
	}
	return model, inputs, s.models.validate(model, inputs)
}

// refuseByFault injects the faults that come before acceptance. The caller holds
// the book's lock and has settled the book.
func (s *Simulator) refuseByFault(key *Key, now time.Time) *reply {
	team := s.book.teams[key.Team]
	if fault := s.fault(FaultCooldown); fault != nil {
		team.cooldown, team.cooldownLength = now.Add(fault.duration()), fault.duration()
		return cooling(fault.duration(), fault.duration())
	}
	if s.fault(FaultParallelLimit) != nil {
		ceiling := max(team.running, 1) // a ceiling of 0 would mean that none may ever run
		return planLimit(actionParallel, scopeOfTeam, ceiling, ceiling)
	}
	if s.fault(FaultAllowance) != nil {
		return planLimit(actionGeneration, scopeOfTeam, team.spent, team.spent)
	}
	if s.fault(FaultErrorBeforeAccept) != nil {
		return serverError()
	}
	if s.fault(FaultDropBeforeAccept) != nil {
		dropConnection()
	}
	return nil
}

// serverError is the same before and after acceptance, because a client cannot
// tell either.
func serverError() *reply { return message(http.StatusInternalServerError, "Internal server error") }

// replyAccepted answers an accepted request, unless its answer is to be lost.
func (s *Simulator) replyAccepted(r *run) *reply {
	switch r.fault {
	case FaultDropAfterAccept:
		dropConnection()
	case FaultErrorAfterAccept:
		return serverError()
	case FaultRefuseAfterAccept:
		return r.lie.fromGateway()
	}
	record := s.jobRecord(r, time.Now(), false)
	if r.fault == FaultSwappedReceipts || r.fault == FaultRepeatedReceipt {
		record.JobID = s.swapReceipts(r, r.lie.duration())
	}
	if r.fault == FaultOtherReceipt {
		record.JobID = strings.ToUpper(record.JobID)
	}
	return ok(r.quoted.quote(map[string]any{"job": record}))
}
