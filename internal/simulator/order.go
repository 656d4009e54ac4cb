package simulator

import (
	"math/rand/v2"
	"strconv"
	"time"

	"nightshift/internal/job"
)

// order is a checked request on its way to acceptance, with its faults.
type order struct {
	key         *Key
	model       *model
	inputs      job.Inputs
	files       []file
	cost        price
	drift       int // percent that it is billed dearer
	wrongSize   bool
	wrongFormat bool
	lost        FaultKind // what happens to the answer
	lie         *drawnFault
	strange     time.Duration
	clock       time.Duration
	ending      ending
	lag         time.Duration
	hidden      bool
}

// drawFaults draws what will go wrong with an accepted job. The words of failures
// are the simulator's own.
func (s *Simulator) drawFaults(o *order) {
	o.ending = o.expectedEnding()
	switch {
	case s.fault(FaultFailGeneration) != nil:
		o.ending = ending{statusFailure, "The model failed to produce an image.", "Run the request again.", false}
	case s.fault(FaultCancelGeneration) != nil:
		o.ending = ending{statusCanceled, "The generation was canceled by the provider.", "Run the request again.", false}
	case s.fault(FaultModeration) != nil:
		o.ending = moderated(false)
	case s.fault(FaultModerationNoRefund) != nil:
		o.ending = moderated(true)
	}
	if fault := s.fault(FaultPriceDrift); fault != nil {
		o.drift = fault.Percent
	}
	o.wrongSize = s.fault(FaultWrongSize) != nil
	o.wrongFormat = s.fault(FaultWrongFormat) != nil
	if fault := s.fault(FaultListLag); fault != nil {
		o.lag = fault.duration()
	}
	o.hidden = s.fault(FaultHidePrompt) != nil
	switch {
	case s.fault(FaultErrorAfterAccept) != nil:
		o.lost = FaultErrorAfterAccept
	case s.fault(FaultDropAfterAccept) != nil:
		o.lost = FaultDropAfterAccept
	default:
		s.drawLieOfReceipt(o)
	}
	if fault := s.fault(FaultStrangeStatus); fault != nil {
		o.strange = fault.duration()
	}
	if fault := s.fault(FaultCreatedSkew); fault != nil {
		o.clock = fault.duration()
	}
}

// drawLieOfReceipt draws what is said in place of an accepted job's receipt.
func (s *Simulator) drawLieOfReceipt(o *order) {
	for _, kind := range []FaultKind{FaultRefuseAfterAccept, FaultSwappedReceipts, FaultRepeatedReceipt, FaultOtherReceipt} {
		if o.lie = s.fault(kind); o.lie != nil {
			o.lost = kind
			return
		}
	}
}

// moderated is the end of a request that the model's provider refuses. Scenario
// API: it comes after acceptance, as a failure with error and hint.
func moderated(keepsCharge bool) ending {
	return ending{statusFailure, "The request was refused by the provider's content policy.",
		"Change the wording of the prompt, or try another model.", keepsCharge}
}

// expectedEnding is how the job ends without any fault.
func (o *order) expectedEnding() ending {
	_, prompt := o.model.prompt(o.inputs)
	if o.model.refusedWord(prompt) != "" {
		return moderated(o.model.behaviour.DisableRefund)
	}
	width, height := o.size()
	if width*height < o.model.behaviour.MinPixels {
		return ending{statusFailure, "The requested resolution is below the minimum pixel budget of the model.",
			"Ask for at least " + strconv.Itoa(o.model.behaviour.MinPixels) + " pixels.", false}
	}
	return ending{status: statusSuccess}
}

// accept charges for the order and starts its run, or refuses it for a limit or by
// a fault. Faults are drawn for what passes the limits alone, so that "next" counts
// calls that they befall; under the lock, so that no other call comes between.
func (s *Simulator) accept(o *order) (*run, *reply) {
	b := s.book
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.settle(now)
	if refused := b.limits(o.key, o.cost.total(), s.options.Parallel, now); refused != nil {
		return nil, refused
	}
	if refused := s.refuseByFault(o.key, now); refused != nil {
		return nil, refused
	}
	s.drawFaults(o)
	b.keepFiles(o)
	random := rand.New(rand.NewPCG(s.options.Seed, uint64(len(b.runs))+2))
	_, prompt := o.model.prompt(o.inputs)
	r := &run{
		id: b.drawID("job_"), key: o.key, model: o.model, input: o.inputs, prompt: prompt,
		quoted: o.cost, charge: o.charge(), accepted: now, ending: o.ending,
		stages: newStages(now, s.options.Latency.draw(random), o.ending.status, random),
		listed: now.Add(o.lag), hidden: o.hidden, fault: o.lost, lie: o.lie, clock: o.clock, lowBill: s.fault(FaultLowBill),
	}
	if o.strange > 0 {
		r.strangeUntil = now.Add(o.strange)
	}
	if o.ending.status == statusSuccess {
		r.assets = b.newAssets(r, o, random)
	}
	if before := b.tenants[o.key.tenant()]; len(before) > 0 && before[len(before)-1].upload == nil && s.fault(FaultForeignAssets) != nil {
		r.shows = before[len(before)-1].assets
	}
	b.add(r)
	return r, nil
}

func (o *order) charge() price {
	dearer := o.cost.generation * job.CU(o.drift) / 100
	if o.drift > 0 {
		dearer = max(dearer, 1) // what is free or nearly so, too
	}
	return price{generation: o.cost.generation + dearer, qualityGate: o.cost.qualityGate}
}
