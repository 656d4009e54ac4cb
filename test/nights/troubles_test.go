package nights

import (
	"math/rand/v2"
	"time"

	"nightshift/internal/job"
	"nightshift/internal/simulator"
)

// trouble is something that may befall a night. A new one is a line here.
type trouble struct {
	name   string
	weight int
	strike func(n *drawnNight)
	// mild is one that keeps no job from being sent.
	mild bool
}

// theProviderErrs is the trouble of the simulator's lies.
const theProviderErrs = "the provider errs"

// troubles are all of them. What lasts for a while ends by itself, at the latest when the
// night becomes calm.
var troubles = []trouble{
	{name: "a worker is killed", weight: 6, strike: func(n *drawnNight) {
		if l := n.someone(); l != nil {
			l.kill()
			n.replace()
		}
	}},
	{name: "a worker is killed between two steps", weight: 10, strike: func(n *drawnNight) {
		if l := n.someone(); l != nil {
			l.killAfter(1 + n.random.IntN(400))
			n.replace()
		}
	}},
	{name: "a worker is stopped", weight: 3, strike: func(n *drawnNight) {
		if l := n.someone(); l != nil {
			n.later(0, l.member.stop)
			n.replace()
		}
	}},
	{name: "a worker stands still", weight: 4, strike: func(n *drawnNight) {
		if l := n.someone(); l != nil {
			l.freeze()
			n.later(n.seconds(1, 60), l.thaw)
		}
	}},
	{name: "a worker is cut off from the provider", weight: 3, strike: func(n *drawnNight) {
		if l := n.someone(); l != nil {
			l.isolate(true)
			n.later(n.seconds(10, 150), func() { l.isolate(false) })
		}
	}},
	{name: "another worker comes", weight: 2, strike: func(n *drawnNight) { n.hire() }},
	{name: "Redis is emptied", weight: 5, strike: func(n *drawnNight) { n.redis.FlushAll() }},
	{name: "Redis is away", weight: 4, strike: func(n *drawnNight) {
		n.gate.stop()
		n.later(n.seconds(1, 60), n.gate.open)
	}},
	{name: "Redis loses its last second", weight: 5, strike: func(n *drawnNight) {
		if err := n.saveRedis(n.t.Context()); err != nil {
			n.t.Error(err)
			return
		}
		time.Sleep(n.seconds(0.05, 1)) // virtual
		if err := n.restartRedis(); err != nil {
			n.t.Error(err)
		}
	}},
	{name: "the bucket fails now and then", weight: 4, strike: func(n *drawnNight) {
		n.weather.set(n.random.Float64()/2, n.random.Float64()/3, 0)
		n.later(n.seconds(5, 60), func() { n.weather.set(0, 0, 0) })
	}},
	{name: "the bucket is slow", weight: 3, strike: func(n *drawnNight) {
		n.weather.set(0, 0, n.seconds(0.2, 5))
		n.later(n.seconds(5, 60), func() { n.weather.set(0, 0, 0) })
	}},
	{name: "the bucket takes nothing", weight: 2, strike: func(n *drawnNight) {
		n.weather.set(1, 0, 0)
		n.later(n.seconds(5, 120), func() { n.weather.set(0, 0, 0) })
	}},
	{name: "a key is revoked", weight: 3, strike: func(n *drawnNight) {
		key := n.script.keys[n.random.IntN(len(n.script.keys))].Key.Key
		if err := n.sim.RevokeKey(key); err != nil {
			n.t.Error(err)
		}
		n.revoked[key] = true
		n.lasts()
	}},
	{name: "a cap is lowered", weight: 2, strike: func(n *drawnNight) {
		n.caps[n.script.keys[n.random.IntN(len(n.script.keys))].Key.Key] = job.CU(5+n.random.IntN(30)) * job.OneCU
		n.rewriteKeys()
		n.lasts()
	}},
	{name: "a key leaves the keys file", weight: 2, strike: func(n *drawnNight) {
		if len(n.script.keys) > len(n.gone)+1 {
			n.gone[n.script.keys[n.random.IntN(len(n.script.keys))].Key.Key] = true
			n.rewriteKeys()
			n.lasts()
		}
	}},
	{name: "a batch is paused", weight: 3, strike: func(n *drawnNight) {
		if b := n.anyBatch(); b != nil && n.command("pause", b.manifest.Batch()).code == exitDone {
			if n.random.IntN(2) == 0 {
				time.Sleep(n.seconds(1, 40)) // virtual
				n.command("resume", b.manifest.Batch())
			} else {
				n.lasts()
			}
		}
	}},
	{name: "a batch is cancelled", weight: 2, strike: func(n *drawnNight) {
		if b := n.anyBatch(); b != nil && n.command("cancel", b.manifest.Batch()).code == exitDone {
			b.cancelled = true
		}
	}},
	{name: "a batch is submitted again", weight: 4, strike: func(n *drawnNight) {
		if b := n.anyBatch(); b != nil {
			n.submit(b)
		}
	}},
	{name: "a batch gets more rows", weight: 4, strike: func(n *drawnNight) {
		if b := n.anyBatch(); b != nil {
			b.drawn.rows += 1 + n.random.IntN(10)
			b.write(b.drawn.manifest())
			n.submit(b)
		}
	}},
	{name: theProviderErrs, weight: 40, strike: func(n *drawnNight) {
		for range 1 + n.random.IntN(4) {
			n.err(drawnFaults[n.random.IntN(len(drawnFaults))])
		}
	}},
	{name: "the provider errs in several ways at once", weight: 16, strike: func(n *drawnNight) {
		n.meet(constellations[n.random.IntN(len(constellations))])
	}},
}

// drawTrouble draws one by weight.
func drawTrouble(r *rand.Rand) trouble {
	sum := 0
	for _, t := range troubles {
		sum += t.weight
	}
	at := r.IntN(sum)
	for _, t := range troubles {
		if at -= t.weight; at < 0 {
			return t
		}
	}
	return troubles[0]
}

// drawnFault is a fault of the simulator, and how it is drawn.
type drawnFault struct {
	kind simulator.FaultKind
	// most is the largest share of calls that it befalls.
	most float64
	// seconds are the bounds of its time, where it has one.
	seconds [2]float64
	// rests is how long a key is left alone after it.
	rests time.Duration
}

// drawnFaults are the faults of the simulator that befall nights.
var drawnFaults = []drawnFault{
	{kind: simulator.FaultUnauthorized, most: 0.02},
	{kind: simulator.FaultRateLimit, most: 0.5},
	{kind: simulator.FaultErrorBeforeAccept, most: 0.6},
	{kind: simulator.FaultDropBeforeAccept, most: 0.6},
	{kind: simulator.FaultErrorAfterAccept, most: 0.6},
	{kind: simulator.FaultDropAfterAccept, most: 0.6},
	{kind: simulator.FaultCooldown, most: 0.1, seconds: [2]float64{10, 300}},
	{kind: simulator.FaultParallelLimit, most: 0.2},
	{kind: simulator.FaultAllowance, most: 0.05, rests: 10 * time.Minute},
	{kind: simulator.FaultFailGeneration, most: 0.5},
	{kind: simulator.FaultCancelGeneration, most: 0.5},
	{kind: simulator.FaultModeration, most: 0.3},
	{kind: simulator.FaultModerationNoRefund, most: 0.3},
	{kind: simulator.FaultPriceDrift, most: 0.5},
	{kind: simulator.FaultWrongSize, most: 0.5},
	{kind: simulator.FaultWrongFormat, most: 0.5},
	{kind: simulator.FaultListLag, most: 1, seconds: [2]float64{1, 25}},
	{kind: simulator.FaultHidePrompt, most: 1},
	{kind: simulator.FaultRefuseAfterAccept, most: 0.5},
	{kind: simulator.FaultStrangeStatus, most: 0.5, seconds: [2]float64{5, 60}},
	{kind: simulator.FaultCreatedSkew, most: 0.5, seconds: [2]float64{-4000, 4000}},
	{kind: simulator.FaultDateSkew, most: 0.5, seconds: [2]float64{-4000, 4000}},
	{kind: simulator.FaultListError, most: 1},
	{kind: simulator.FaultSparseList, most: 1},
	{kind: simulator.FaultEmptyList, most: 0.7},
	{kind: simulator.FaultStaleList, most: 0.7, seconds: [2]float64{5, 120}},
	{kind: simulator.FaultCachedList, most: 1, seconds: [2]float64{5, 120}},
	{kind: simulator.FaultBareSuccess, most: 1},
	{kind: simulator.FaultShortSuccess, most: 1},
	{kind: simulator.FaultDoubleRow, most: 1},
	{kind: simulator.FaultOtherCase, most: 1},
	{kind: simulator.FaultJobError, most: 1},
	{kind: simulator.FaultAssetError, most: 1},
	{kind: simulator.FaultRefuseAssets, most: 0.3},
	{kind: simulator.FaultExpireLink, most: 0.7},
	{kind: simulator.FaultMissingAsset, most: 0.3},
	{kind: simulator.FaultWrongRecord, most: 0.5},
	{kind: simulator.FaultForeignLink, most: 0.5},
	{kind: simulator.FaultForeignRedirect, most: 0.5},
	{kind: simulator.FaultTruncateDownload, most: 0.7},
	{kind: simulator.FaultSlowDownload, most: 0.7, seconds: [2]float64{1, 40}},
	{kind: simulator.FaultCorruptImage, most: 0.5},
	{kind: simulator.FaultHTMLDownload, most: 0.5},
	{kind: simulator.FaultMissingFile, most: 0.5},
	{kind: simulator.FaultUndecodableImage, most: 0.3},
	{kind: simulator.FaultCircularList, most: 1},
	{kind: simulator.FaultEmptyAssets, most: 0.7},
	{kind: simulator.FaultTrickle, most: 0.3},
	{kind: simulator.FaultRefuseList, most: 0.5},
	// Whose run, image or bill it is.
	{kind: simulator.FaultSwappedReceipts, most: 0.5},
	{kind: simulator.FaultRepeatedReceipt, most: 0.5},
	{kind: simulator.FaultForeignAssets, most: 0.5},
	{kind: simulator.FaultLowBill, most: 0.5},
	{kind: simulator.FaultOtherReceipt, most: 0.5},
	{kind: simulator.FaultSharedAssets, most: 0.5},
}

// err lets the simulator do something wrong for a while.
func (n *drawnNight) err(d drawnFault) {
	n.t.Helper()
	fault := simulator.Fault{Kind: d.kind, Rate: d.most * (0.2 + 0.8*n.random.Float64()), Seed: n.random.Uint64()}
	if d.seconds != [2]float64{} {
		fault.Seconds = d.seconds[0] + n.random.Float64()*(d.seconds[1]-d.seconds[0])
	}
	if d.kind == simulator.FaultRefuseAfterAccept {
		fault.Status = []int{400, 401, 402, 403, 404, 413, 425, 429, 451, 499}[n.random.IntN(10)]
		fault.Body = []string{"html", "text", "empty", "json"}[n.random.IntN(4)]
	}
	n.diary.note("night", "the simulator errs: %+v", fault)
	n.setFaults(func(all map[simulator.FaultKind]simulator.Fault) { all[d.kind] = fault })
	lasts := n.seconds(10, 120)
	n.excuse(time.Now(), time.Now().Add(lasts+d.rests+time.Duration(max(0, fault.Seconds)*float64(time.Second))))
	n.later(lasts, func() {
		n.setFaults(func(all map[simulator.FaultKind]simulator.Fault) { delete(all, d.kind) })
	})
}

// seconds draws a time.
func (n *drawnNight) seconds(least, most float64) time.Duration {
	return time.Duration((least + n.random.Float64()*(most-least)) * float64(time.Second))
}

// lasts says that what befalls the night now does so until it becomes calm.
func (n *drawnNight) lasts() { n.excuse(time.Now(), n.began.Add(n.script.length)) }

// replace starts a worker in the place of one that is gone, after a while.
func (n *drawnNight) replace() {
	if n.random.IntN(4) > 0 {
		time.Sleep(n.seconds(0, 20)) // virtual
		n.hire()
		return
	}
	n.lasts()
}

// anyBatch is a batch that was submitted and not cancelled, or nil.
func (n *drawnNight) anyBatch() *nightBatch {
	var all []*nightBatch
	for _, b := range n.batches {
		if b.submitted && !b.cancelled {
			all = append(all, b)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[n.random.IntN(len(all))]
}
