package simulator

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// FaultKind names a way to fail.
type FaultKind string

// The kinds. Each comment says to which calls the kind applies and what happens.
const (
	// Any API call.
	FaultUnauthorized FaultKind = "unauthorized" // 401
	FaultRateLimit    FaultKind = "rate-limit"   // plain 429 of the gateway

	// A paid generate call that would be accepted.
	FaultErrorBeforeAccept FaultKind = "error-before-accept" // 500, nothing accepted
	FaultDropBeforeAccept  FaultKind = "drop-before-accept"  // no answer, nothing accepted
	FaultErrorAfterAccept  FaultKind = "error-after-accept"  // 500, and the job runs
	FaultDropAfterAccept   FaultKind = "drop-after-accept"   // no answer, and the job runs
	FaultCooldown          FaultKind = "cooldown"            // 429 RateLimitError for Seconds
	FaultParallelLimit     FaultKind = "parallel-limit"      // 429: too many jobs at once
	FaultAllowance         FaultKind = "allowance"           // 429: allowance used up

	// An accepted job.
	FaultFailGeneration     FaultKind = "fail-generation"      // failure, refunded
	FaultCancelGeneration   FaultKind = "cancel-generation"    // canceled by the provider, refunded
	FaultModeration         FaultKind = "moderation"           // failure with hint, refunded
	FaultModerationNoRefund FaultKind = "moderation-no-refund" // failure with hint, charge kept
	FaultPriceDrift         FaultKind = "price-drift"          // bills Percent more than quoted
	FaultWrongSize          FaultKind = "wrong-size"           // images of another size than asked
	FaultWrongFormat        FaultKind = "wrong-format"         // images of another format than announced
	FaultListLag            FaultKind = "list-lag"             // lists show the job only after Seconds
	FaultHidePrompt         FaultKind = "hide-prompt"          // shows an asset id in place of the prompt
	FaultRefuseAfterAccept  FaultKind = "refuse-after-accept"  // a gateway answers Status with Body, and the job runs
	FaultSwappedReceipts    FaultKind = "swapped-receipts"     // two receipts name each other's job
	FaultRepeatedReceipt    FaultKind = "repeated-receipt"     // two receipts name the second's job
	FaultStrangeStatus      FaultKind = "strange-status"       // shows a status that nobody knows for Seconds
	FaultCreatedSkew        FaultKind = "created-skew"         // its times are Seconds ahead
	FaultOtherReceipt       FaultKind = "other-receipt"        // its receipt has its id in capitals
	FaultForeignAssets      FaultKind = "foreign-assets"       // it names the assets of the job before it
	FaultLowBill            FaultKind = "low-bill"             // shows Percent of its bill, 0 if not said

	// Any reply.
	FaultDateSkew FaultKind = "date-skew" // its Date is Seconds ahead

	// A read.
	FaultListError    FaultKind = "list-error"    // GET /jobs answers 500
	FaultRefuseList   FaultKind = "refuse-list"   // GET /jobs and /jobs/{id} answer 403, and name no scope
	FaultSparseList   FaultKind = "sparse-list"   // a page of GET /jobs leaves rows to the next
	FaultEmptyList    FaultKind = "empty-list"    // GET /jobs answers a list without a row
	FaultStaleList    FaultKind = "stale-list"    // GET /jobs answers as of Seconds ago
	FaultCachedList   FaultKind = "cached-list"   // the same with the Age of a cache
	FaultBareSuccess  FaultKind = "bare-success"  // rows of GET /jobs that succeeded lack their metadata
	FaultShortSuccess FaultKind = "short-success" // and those lack their last asset id
	FaultCircularList FaultKind = "circular-list" // the pages of GET /jobs lead round in a circle
	FaultSharedAssets FaultKind = "shared-assets" // rows of GET /jobs that succeeded name the assets of the first
	FaultDoubleRow    FaultKind = "double-row"    // each row of GET /jobs stands twice in its page
	FaultOtherCase    FaultKind = "other-case"    // GET /jobs writes ids in capitals, which are no ids
	FaultJobError     FaultKind = "job-error"     // GET /jobs/{id} answers 500
	FaultAssetError   FaultKind = "asset-error"   // asset reads answer 500
	FaultEmptyAssets  FaultKind = "empty-assets"  // GET /assets answers a list without a row

	FaultRefuseAssets FaultKind = "refuse-assets" // asset reads answer 403, and name no scope

	// An asset record that is read.
	FaultExpireLink   FaultKind = "expire-link"   // its link has expired already
	FaultMissingAsset FaultKind = "missing-asset" // as if there were none
	FaultWrongRecord  FaultKind = "wrong-record"  // width, height and size are not those of the image
	FaultForeignLink  FaultKind = "foreign-link"  // its link leads to URL

	FaultTransformOriginal FaultKind = "transform-original" // its link leads to a transform, whatever is asked for

	// An upload.
	FaultUploadError      FaultKind = "upload-error"       // 500, nothing accepted
	FaultCutUpload        FaultKind = "cut-upload"         // the connection is dropped in the middle of the body
	FaultDropAfterUpload  FaultKind = "drop-after-upload"  // no answer, and the file is taken
	FaultErrorAfterUpload FaultKind = "error-after-upload" // 500, and the file is taken
	FaultExpirePart       FaultKind = "expire-part"        // the links of its parts have expired already
	FaultSlowImport       FaultKind = "slow-import"        // validating for Seconds more
	FaultFailImport       FaultKind = "fail-import"        // failed, with a message

	// A paid generate call that names assets.
	FaultDeleteInput FaultKind = "delete-input" // the first of them is deleted before

	// A link that is followed.
	FaultForeignRedirect FaultKind = "foreign-redirect" // it redirects to URL

	// A download.
	FaultTruncateDownload FaultKind = "truncate-download" // half of the bytes
	FaultTrickle          FaultKind = "trickle"           // a byte each Seconds
	FaultSlowDownload     FaultKind = "slow-download"     // spread over Seconds
	FaultCorruptImage     FaultKind = "corrupt-image"     // one byte differs
	FaultHTMLDownload     FaultKind = "html-download"     // 200 with a web page
	FaultMissingFile      FaultKind = "missing-file"      // 404 of the link's host
	FaultUndecodableImage FaultKind = "undecodable-image" // whole in structure, and its pixels do not decode
)

// FaultKinds returns every kind.
func FaultKinds() []FaultKind {
	return []FaultKind{
		FaultUnauthorized, FaultRateLimit, FaultErrorBeforeAccept, FaultDropBeforeAccept,
		FaultErrorAfterAccept, FaultDropAfterAccept, FaultCooldown, FaultParallelLimit, FaultAllowance,
		FaultFailGeneration, FaultCancelGeneration, FaultModeration, FaultModerationNoRefund,
		FaultPriceDrift, FaultWrongSize, FaultWrongFormat, FaultListLag, FaultListError, FaultJobError,
		FaultAssetError, FaultExpireLink, FaultTruncateDownload, FaultSlowDownload, FaultCorruptImage,
		FaultHTMLDownload,
		// A kind's place picks its draws, so new ones go to the end.
		FaultSparseList, FaultHidePrompt,
		FaultRefuseAfterAccept, FaultSwappedReceipts, FaultStrangeStatus, FaultCreatedSkew, FaultDateSkew,
		FaultEmptyList, FaultStaleList, FaultCachedList, FaultBareSuccess, FaultShortSuccess, FaultDoubleRow, FaultOtherCase,
		FaultForeignLink, FaultForeignRedirect, FaultUndecodableImage, FaultWrongRecord, FaultRefuseAssets,
		FaultMissingAsset, FaultMissingFile, FaultRepeatedReceipt,
		FaultEmptyAssets, FaultLowBill, FaultOtherReceipt,
		FaultSharedAssets, FaultForeignAssets, FaultCircularList, FaultTrickle,
		FaultRefuseList,
		FaultTransformOriginal, FaultUploadError, FaultCutUpload, FaultDropAfterUpload, FaultErrorAfterUpload,
		FaultExpirePart, FaultSlowImport, FaultFailImport, FaultDeleteInput,
	}
}

// faultSeconds holds the kinds that take time, and how much when not said.
// Scenario API: a cooldown of 2700 seconds was seen.
var faultSeconds = map[FaultKind]float64{
	FaultCooldown: 2700, FaultListLag: 10, FaultSlowDownload: 10, FaultTrickle: 5, FaultStaleList: 60, FaultCachedList: 60,
	FaultSlowImport: 600, FaultStrangeStatus: 30, FaultSwappedReceipts: 5, FaultRepeatedReceipt: 5, FaultDateSkew: 3600, FaultCreatedSkew: 3600,
}

// foreignURL is where foreign-link and foreign-redirect lead when not said: to what a
// cloud tells the machines in it.
const foreignURL = "http://169.254.169.254/latest/meta-data/"

// driftPercent is how much dearer price-drift bills when not said.
const driftPercent = 25

// Fault says how often a kind of fault happens: to the next calls it applies to,
// and after those to a share of them.
type Fault struct {
	Kind FaultKind `json:"kind"`
	Rate float64   `json:"rate,omitempty"` // share of calls, 0 to 1
	Seed uint64    `json:"seed,omitempty"` // of the draws; equal seeds, equal draws
	Next int       `json:"next,omitempty"` // number of calls that surely fail
	// Seconds is a time, for the kinds that take one; 0 means the kind's own. Those of
	// date-skew and created-skew may be negative.
	Seconds float64 `json:"seconds,omitempty"`
	// Status and Body are those of refuse-after-accept: 400 to 499, 0 means 403, and html,
	// text, empty or json, "" means html.
	Status int    `json:"status,omitempty"`
	Body   string `json:"body,omitempty"`
	// Percent is how much dearer price-drift bills, 0 means 25; and how much of its bill a job
	// of low-bill shows.
	Percent int `json:"percent,omitempty"`
	// URL is where foreign-link and foreign-redirect lead; "" means foreignURL.
	URL string `json:"url,omitempty"`
}

func (f Fault) duration() time.Duration { return time.Duration(f.Seconds * float64(time.Second)) }

func (f Fault) check() error {
	_, timed := faultSeconds[f.Kind]
	switch {
	case !slices.Contains(FaultKinds(), f.Kind):
		return fmt.Errorf("fault kind %q is not known: want one of %s", f.Kind, joinKinds())
	case !(f.Rate >= 0 && f.Rate <= 1):
		return fmt.Errorf("fault %s: rate %v is not between 0 and 1", f.Kind, f.Rate)
	case f.Next < 0:
		return fmt.Errorf("fault %s: next %d is negative", f.Kind, f.Next)
	case f.Rate == 0 && f.Next == 0:
		return fmt.Errorf("fault %s never happens: give rate, next or both", f.Kind)
	case f.Seconds != 0 && !timed:
		return fmt.Errorf("fault %s takes no seconds", f.Kind)
	case !(math.Abs(f.Seconds) <= 1e6) || f.Seconds < 0 && !f.skews():
		return fmt.Errorf("fault %s: seconds %v is not between 0 and 1000000", f.Kind, f.Seconds)
	case (f.Status != 0 || f.Body != "") && f.Kind != FaultRefuseAfterAccept:
		return fmt.Errorf("fault %s takes no status and no body", f.Kind)
	case f.Status != 0 && (f.Status < 400 || f.Status > 499):
		return fmt.Errorf("fault %s: status %d is not between 400 and 499", f.Kind, f.Status)
	case f.Body != "" && !slices.Contains(slices.Collect(maps.Keys(gatewayBodies)), f.Body):
		return fmt.Errorf("fault %s: body %q is not html, text, empty or json", f.Kind, f.Body)
	case f.Percent != 0 && f.Kind != FaultPriceDrift && f.Kind != FaultLowBill:
		return fmt.Errorf("fault %s takes no percent", f.Kind)
	case f.URL != "" && !f.leads():
		return fmt.Errorf("fault %s takes no url", f.Kind)
	case f.Percent < 0 || f.Percent > 1000:
		return fmt.Errorf("fault %s: percent %d is not between 0 and 1000", f.Kind, f.Percent)
	}
	return nil
}

// skews reports whether the kind's seconds are a difference between clocks.
func (f Fault) skews() bool { return f.Kind == FaultDateSkew || f.Kind == FaultCreatedSkew }

// leads reports whether the kind leads to another address.
func (f Fault) leads() bool { return f.Kind == FaultForeignLink || f.Kind == FaultForeignRedirect }

func joinKinds() string {
	names := make([]string, len(FaultKinds()))
	for i, kind := range FaultKinds() {
		names[i] = string(kind)
	}
	return strings.Join(names, ", ")
}

// SetFaults replaces all faults; no arguments clear them. It returns what is wrong
// with them, all at once, and then changes nothing.
func (s *Simulator) SetFaults(faults ...Fault) error { return s.faults.set(faults) }

// Faults returns the faults that are set, Next counted down.
func (s *Simulator) Faults() []Fault { return s.faults.list() }

// faultBox holds the faults that are set.
type faultBox struct {
	mu    sync.Mutex
	rules []*faultRule
}

type faultRule struct {
	Fault
	random *rand.Rand
}

// drawnFault is a fault that befalls a call.
type drawnFault struct {
	Fault
	share float64 // 0 to below 1, drawn for sparse-list
}

func (b *faultBox) set(faults []Fault) error {
	var complaints []error
	rules := make([]*faultRule, 0, len(faults))
	seen := map[FaultKind]bool{}
	for _, fault := range faults {
		if err := fault.check(); err != nil {
			complaints = append(complaints, err)
			continue
		}
		if seen[fault.Kind] {
			complaints = append(complaints, fmt.Errorf("fault %s is given twice", fault.Kind))
		}
		seen[fault.Kind] = true
		if fault.Seconds == 0 {
			fault.Seconds = faultSeconds[fault.Kind]
		}
		if fault.Kind == FaultPriceDrift && fault.Percent == 0 {
			fault.Percent = driftPercent
		}
		if fault.Kind == FaultRefuseAfterAccept {
			fault.Status, fault.Body = cmp.Or(fault.Status, http.StatusForbidden), cmp.Or(fault.Body, gatewayBody)
		}
		if fault.leads() && fault.URL == "" {
			fault.URL = foreignURL
		}
		stream := uint64(slices.Index(FaultKinds(), fault.Kind))
		rules = append(rules, &faultRule{fault, rand.New(rand.NewPCG(fault.Seed, stream))})
	}
	if len(complaints) > 0 {
		return errors.Join(complaints...)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules = rules
	return nil
}

func (b *faultBox) list() []Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	faults := make([]Fault, len(b.rules))
	for i, rule := range b.rules {
		faults[i] = rule.Fault
	}
	return faults
}

func (b *faultBox) draw(kind FaultKind) *drawnFault {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, rule := range b.rules {
		if rule.Kind != kind {
			continue
		}
		if rule.Next > 0 {
			rule.Next--
		} else if rule.random.Float64() >= rule.Rate {
			return nil
		}
		drawn := &drawnFault{Fault: rule.Fault}
		if kind == FaultSparseList {
			drawn.share = rule.random.Float64()
		}
		return drawn
	}
	return nil
}
