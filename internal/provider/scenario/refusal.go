package scenario

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"nightshift/internal/job"
)

// refusal is a reply that is not a success, as far as it could be read.
//
// Scenario API: live replies do not have the documented shape. Most are {reason},
// with name and details on 403 and 429; the gateway in front writes {message}, or
// a page that is not JSON at all.
type refusal struct {
	op      Operation // that was refused
	project string    // for which it was asked
	status  int
	header  http.Header
	words   string // the provider's, cleaned
	foreign bool   // the body is not the API's: no JSON object
	started bool   // it speaks of a job all the same
	fields  fields // of the body
	body    refusalBody
}

// refusalBody holds the fields that a refusal was seen to have.
type refusalBody struct {
	Reason, Message, Error, Detail prose
	Status, Code                   loose[string]
	Name                           loose[string]
	TraceID                        loose[string]
	TraceIDSnake                   loose[string] `json:"trace_id"`
	EstimatedCost                  loose[json.Number]
	RemainingSeconds               loose[json.Number]
	CooldownSeconds                loose[json.Number]
	Details                        loose[refusalDetails]
}

type refusalDetails struct {
	ActionName       loose[string]
	ActionLimit      loose[json.Number]
	LimitScope       loose[string]
	RequiredPlan     loose[string]
	RemainingSeconds loose[json.Number]
	CooldownSeconds  loose[json.Number]
}

// refusal reads a reply that is not a success.
func (c *Client) refusal(reply *reply) *refusal {
	return readRefusal(reply, c.clean)
}

// readRefusal survives every body.
func readRefusal(reply *reply, clean func(string) string) *refusal {
	refusal := &refusal{op: reply.op, project: reply.project, status: reply.status, header: reply.header}
	words := ""
	if json.Unmarshal(reply.body, &refusal.body) == nil {
		words = refusal.body.words()
	} else {
		refusal.body, refusal.foreign = refusalBody{}, true
		words = withoutTags(string(reply.body))
	}
	words = clean(words)
	if words == "" {
		words = fmt.Sprintf("status %d without a reason", reply.status)
	}
	if trace := clean(refusal.body.trace()); trace != "" {
		words += " (trace " + trace + ")"
	}
	refusal.words = words
	_ = json.Unmarshal(reply.body, &refusal.fields) // what is no object has none
	var receipt jobReply
	refusal.started = json.Unmarshal(reply.body, &receipt) == nil && receipt.started()
	return refusal
}

// The statuses with which the API itself refuses a paid request. Scenario API: 410 is that
// of models that are gone; 402 is documented for a lack of credits.
var apiRefusals = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound, http.StatusGone,
	http.StatusTooManyRequests,
}

// Those with which the gateway that belongs to the API refuses one before the API sees it.
var gatewayRefusals = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests}

// The classes that the API names in its refusals.
var refusalNames = []string{planLimitName, cooldownName, modelPlanName}

// proven reports whether the reply to a paid request proves that nothing was accepted.
// Anything between us and the API may answer with any status, also once the API has
// accepted: a firewall, a proxy, a cache. So only a refusal in the API's own shape does,
// or in that of its own gateway, and of a status that it is known to refuse with.
//
// Scenario API: refusals were seen as {reason}, with name and details on some, and are
// documented as {status, code, message} and others. The gateway in front writes {message} alone.
func (r *refusal) proven() bool {
	if r.foreign || r.started {
		return false
	}
	details := r.body.Details.Value
	switch {
	case r.fields.other(): // more than the API ever says: somebody else speaks
		return r.documented() && slices.Contains(apiRefusals, r.status)
	case r.fields.isText("reason"), slices.Contains(refusalNames, r.body.Name.Value), details.ActionName.Value != "", r.body.CooldownSeconds.Known:
	case r.documented():
	case len(r.fields) == 1 && r.fields.isText("message") && r.fromGateway():
		return slices.Contains(gatewayRefusals, r.status)
	default:
		return false
	}
	return slices.Contains(apiRefusals, r.status)
}

// documented reports whether it has a shape that was never seen and is documented.
func (r *refusal) documented() bool {
	switch r.status {
	case http.StatusPaymentRequired:
		return r.body.Message != "" && r.body.EstimatedCost.Known
	case http.StatusTooManyRequests:
		return r.body.Error != "" && r.body.Code.Value == quotaCode
	default:
		return r.body.Status.Value == "error" && errorCode.MatchString(r.body.Code.Value) && r.fields.isText("message")
	}
}

// errorCode is how the documented codes look: INVALID_PARAMETER.
var errorCode = regexp.MustCompile(`^[A-Z]+(_[A-Z]+)+$`)

// gatewayWords are what the gateway was seen or is documented to say; with its header it
// may say anything.
var gatewayWords = []string{"Unauthorized", "Forbidden", "Too Many Requests", "Limit Exceeded", "API Keys cannot access protected resources"}

// fromGateway reports whether the message is that of the gateway which belongs to the API.
func (r *refusal) fromGateway() bool {
	message := string(r.body.Message)
	return r.header.Get("X-Amzn-Errortype") != "" || slices.Contains(gatewayWords, message) || strings.HasPrefix(message, "This API key ") ||
		waitInWords(message) > 0 // a cooldown
}

// fields are those of a body that is a JSON object.
type fields map[string]json.RawMessage

// known are the fields that the API's own refusals have.
var known = []string{"reason", "message", "name", "details", "trace_id", "traceid", "remainingseconds", "cooldownseconds"}

// other reports whether there is a field that the API's refusals do not have.
func (f fields) other() bool {
	for name := range f {
		if !slices.Contains(known, strings.ToLower(name)) {
			return true
		}
	}
	return false
}

// isText reports whether a field is a text that says something.
func (f fields) isText(name string) bool {
	var text string
	for key, value := range f {
		if strings.EqualFold(key, name) && json.Unmarshal(value, &text) == nil {
			return strings.TrimSpace(text) != ""
		}
	}
	return false
}

const quotaCode = "QUOTA_EXCEEDED"

// words are the first that say why.
func (b *refusalBody) words() string {
	for _, text := range []prose{b.Reason, b.Message, b.Error, b.Detail, prose(b.Name.Value)} {
		if strings.TrimSpace(string(text)) != "" {
			return string(text)
		}
	}
	return ""
}

func (b *refusalBody) trace() string {
	if b.TraceIDSnake.Value != "" {
		return b.TraceIDSnake.Value
	}
	return b.TraceID.Value
}

// toRun is the error for a request to run or price an inference.
func (r *refusal) toRun() error {
	switch r.status {
	case http.StatusNotFound, http.StatusGone:
		return r.missing(job.ErrInvalid)
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return &job.ProviderError{Kind: job.ErrInvalid, Words: r.words}
	default:
		return r.common()
	}
}

// toRead is the error for a request that looks something up.
func (r *refusal) toRead() error {
	switch r.status {
	case http.StatusNotFound, http.StatusGone:
		return r.missing(job.ErrNotFound)
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return &job.ProviderError{Kind: job.ErrInvalid, Words: r.words}
	default:
		return r.common()
	}
}

// missing is an error of this kind when it is the API that does not know the
// thing. When something in front of the API does not find the API, that is an
// outage or a wrong address, and no word about the job.
func (r *refusal) missing(kind error) error {
	if r.foreign {
		return &job.HintedError{Err: r.plain(), Hint: checkBase}
	}
	return &job.ProviderError{Kind: kind, Words: r.words}
}

// common is the error for what means the same to every request.
func (r *refusal) common() error {
	switch r.status {
	case http.StatusUnauthorized:
		return &job.AccessError{Access: job.AccessKey, Detail: r.words}
	case http.StatusForbidden:
		return r.forbidden()
	case http.StatusPaymentRequired:
		// Documented for a lack of credits, which in practice is a 429.
		return &job.LimitError{Limit: job.LimitAllowance, Scope: job.ScopeTeam, Detail: r.words}
	case http.StatusTooManyRequests:
		return r.limit()
	default:
		return r.plain()
	}
}

// forbidden says who is at fault. The gateway's AccessDeniedException is about
// the credential as a whole, before the API has looked at what was asked: taken
// for a missing scope, a revoked key would fail every job of a batch instead of
// being set aside.
func (r *refusal) forbidden() error {
	access := &job.AccessError{Access: job.AccessScope, Detail: r.words}
	switch {
	case r.body.Name.Value == modelPlanName, r.body.Details.Value.RequiredPlan.Value != "":
		access.Access = job.AccessPlan
		access.RequiredPlan = r.body.Details.Value.RequiredPlan.Value
	case strings.HasPrefix(r.header.Get("X-Amzn-Errortype"), "AccessDeniedException"):
		access.Access = job.AccessKey
	case r.project != "" && mentions(r.words, r.project):
		access.Access, access.Project = job.AccessProject, r.project
	default:
		return r.scope(access)
	}
	return access
}

// plain is an error that may pass, or that nobody has foreseen.
func (r *refusal) plain() error {
	err := fmt.Errorf("the API answered %d: %s", r.status, r.words)
	if redirects(r.status) {
		return &job.HintedError{Err: err, Hint: checkBase}
	}
	return err
}

const checkBase = "This does not look like the API itself; check the base URL (https, host, /v1) and any proxy."
