package manifest

import (
	"math/bits"
	"strconv"
	"strings"

	"nightshift/internal/document"
	"nightshift/internal/job"
)

// OnBudget says what a run does when a cap of CU has no room for the next job.
type OnBudget string

// The answers to a full cap.
const (
	// OnBudgetWait waits for what time brings, the next day or month of a cap, and
	// ends the run where only a person can raise the cap.
	OnBudgetWait OnBudget = "wait"
	// OnBudgetFail ends the run; what is under way is collected.
	OnBudgetFail OnBudget = "fail"
)

// Drift is the share by which a bill may be above its quote, in parts per
// thousand: 100 is 10 percent.
type Drift int64

const (
	// usualDrift is that of a manifest that names none.
	usualDrift Drift = 100
	// maxDrift is ten times the quote on top of it. What is beyond was meant as
	// percent.
	maxDrift      = 10 * wholeDrift
	wholeDrift    = 1000 // parts
	driftDecimals = 3
)

// Exceeded reports whether a bill is above its quote by more than the share.
func (d Drift) Exceeded(quote, billed job.CU) bool {
	// In 128 bits, so that no amount overflows.
	boundHigh, boundLow := bits.Mul64(uint64(max(quote, 0)), wholeDrift+uint64(max(d, 0)))
	high, low := bits.Mul64(uint64(max(billed, 0)), wholeDrift)
	return high > boundHigh || high == boundHigh && low > boundLow
}

// readBudget reads the cap of the batch and the drift.
func (h *headerReader) readBudget(n *document.Node) {
	h.Fields(n, "budget", budgetFields, func(f *document.Field) {
		if f.Name == "drift" {
			h.readDrift(&f.Value)
			return
		}
		amount, err := job.ParseCU(f.Value.Text)
		if !f.Value.Scalar() || err != nil || amount <= 0 {
			h.Report(f.Value.Position, "write compute units such as cu: 500", "%s is not an amount of CU", shown(&f.Value))
			return
		}
		h.m.Budget = &amount
	})
	if n.Kind == document.Object && n.Get("cu") == nil && n.Get("drift") == nil {
		h.Report(n.Position, "write compute units such as {cu: 500}", "the budget has neither cu nor drift")
	}
}

func (h *headerReader) readDrift(n *document.Node) {
	drift, ok := Drift(0), false
	if n.Scalar() {
		drift, ok = parseDrift(n.Text)
	}
	switch {
	case !ok:
		h.Report(n.Position, "write a decimal such as drift: 0.1, which is 10 percent, with at most three decimals",
			"drift %s is not a share from 0 to 10", shown(n))
	case drift > maxDrift:
		h.Report(n.Position, "write the share, not percent: drift: 0.1 is 10 percent", "drift %s is above 10", shown(n))
	default:
		h.m.MaxDrift = drift
	}
}

// parseDrift reads a plain decimal exactly, or not at all.
func parseDrift(text string) (Drift, bool) {
	whole, fraction, pointed := strings.Cut(text, ".")
	if pointed && fraction == "" || len(fraction) > driftDecimals {
		return 0, false
	}
	digits := whole + fraction + strings.Repeat("0", driftDecimals-len(fraction))
	if strings.Trim(digits, "0123456789") != "" || whole == "" {
		return 0, false
	}
	parts, err := strconv.ParseInt(digits, 10, 64)
	return Drift(parts), err == nil
}
