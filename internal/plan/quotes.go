package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"nightshift/internal/job"
)

// Quotes keeps prices from one plan to the next. Several goroutines may call it.
type Quotes interface {
	// Find returns the price under a key and when it was asked for.
	Find(key string) (q job.Quote, asked time.Time, ok bool)
	// Keep remembers a price. Prices of refused jobs are never kept.
	Keep(key string, q job.Quote, asked time.Time)
}

const (
	// quoteLife is how long a price is believed. Prices change with releases of the
	// provider, not by the minute, and an edited manifest is planned again within
	// the hour; a plan of the next night asks anew.
	quoteLife = time.Hour
	// staleAfter is the age from which a plan says that its prices are not of now.
	staleAfter = 5 * time.Minute
)

// fresh reports whether a price may be used without asking again. One that seems
// to be from the future is not: a clock was set, and its age is not known.
func fresh(asked, now time.Time) bool {
	age := now.Sub(asked)
	return age >= 0 && age < quoteLife
}

// wallClock is the time without Go's monotonic reading, which stands still while
// a machine sleeps and would make a price look younger than it is.
func wallClock() time.Time { return time.Now().UTC().Round(0) }

// quoteKey names the price of a shape for an account: the model, for people, and a
// digest of all that the price depends on. Defaults are part of it, since an input
// that is left out is priced as its default.
func (c *checker) quoteKey(account string, shape []byte) string {
	content := appendPart(nil, account)
	content = appendPart(content, string(shape))
	for _, in := range c.cost {
		content = appendPart(content, in.Name)
		content = appendPart(content, in.defText)
	}
	sum := sha256.Sum256(content)
	return joinKey(c.model.ID, hex.EncodeToString(sum[:]))
}

const keySeparator = ":" // a digest has none

func joinKey(model, digest string) string { return model + keySeparator + digest }

func splitKey(key string) (model, digest string) {
	at := strings.LastIndex(key, keySeparator)
	return key[:max(at, 0)], key[at+len(keySeparator):]
}

// recall takes over the price that was kept for the shape, if it is young enough.
func (p *priced) recall(quotes Quotes, now time.Time) bool {
	if quotes == nil {
		return false
	}
	quote, asked, ok := quotes.Find(p.quoteKey)
	if !ok || !fresh(asked, now) {
		return false
	}
	p.set(quote, asked)
	p.recalled = true
	return true
}

// cacheAge is the age of the oldest price that was recalled, zero where none was,
// and whether all of them were.
func cacheAge(shapes []*priced, now time.Time) (oldest time.Duration, all bool) {
	all = true
	for _, shape := range shapes {
		if shape.recalled {
			oldest = max(oldest, now.Sub(shape.Asked))
		}
		all = all && shape.recalled
	}
	return oldest, all
}
