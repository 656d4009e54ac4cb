package pool

import (
	"context"
	"time"

	"nightshift/internal/job"
)

const (
	// refusalTrial is how long a key rests that the API refused. Then one more request is
	// let through: a gateway refuses keys too, while what is behind it is away, and a key
	// that was revoked may have been restored. A request that is refused costs nothing.
	refusalTrial = 30 * time.Second
	// certainRefusals are so many in a row that only a person helps.
	certainRefusals = 3
	// refusalsForgotten is the time without a refusal after which they are counted anew.
	refusalsForgotten = 10 * refusalTrial
)

// refusals are those of one credential, in a row.
type refusals struct {
	count int
	last  time.Time
}

// stand reports whether the key is left alone at the moment.
func (r refusals) stand() bool { return r.count > 0 && time.Since(r.last) < refusalTrial }

// certain reports whether more than a moment was bad.
func (r refusals) certain() bool { return r.count >= certainRefusals }

// Refuse notes that the API did not take a key, so that it rests and others read for it.
// first says that it took it before, certain that it has not for a while. Of requests that
// were under way together one counts.
func (k *Keyring) Refuse(apiKey string) (first, certain bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := k.Keys[apiKey]
	if key == nil {
		return false, true
	}
	r := &key.refusals
	if r.stand() {
		return false, r.certain()
	}
	if time.Since(r.last) > refusalsForgotten {
		r.count = 0
	}
	r.count++
	r.last = time.Now()
	return r.count == 1, r.certain()
}

// accepted notes that the API took a key, so that refusals before count no more.
func (k *Keyring) accepted(apiKey string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if key := k.Keys[apiKey]; key != nil {
		key.refusals = refusals{}
	}
}

// Refuse lets a key rest that the API did not take, and returns what its jobs wait for: a
// person, once it was not taken for a while.
func (g *Limiter) Refuse(ctx context.Context, apiKey, why string) (*job.PostponedError, error) {
	first, certain := g.Keys.Refuse(apiKey)
	if first && g.Refused != nil {
		g.Refused(apiKey)
	}
	wait := &job.PostponedError{After: refusalTrial, Reason: job.WaitQuarantine, NeedsOperator: certain, Detail: "the API refused key " + apiKey + ": " + why}
	return wait, g.Admission.Cooldown(ctx, g.Account(apiKey), wait.Reason, false, refusalTrial)
}
