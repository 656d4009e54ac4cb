package scenario

import (
	"context"
	"fmt"
	"sync"
	"time"

	"nightshift/internal/job"
)

const (
	// maxPages bounds one listing, should the API's list never end.
	maxPages = 500
	// emptyPages is how many pages without a row but with a token are followed.
	emptyPages = 5
	// listingAge is how old a listing may be that a search goes on with.
	listingAge = 2 * time.Second
	// searchAge is how long after a search another one is expected.
	searchAge = time.Minute
)

// listing is a reading of the list of inferences, newest first, as far as somebody
// wanted it.
type listing struct {
	asked time.Time       // it shows what was there at this time at the least
	kept  []job.Inference // of the pages that were read, if they are kept
	keeps bool
	token string
	pages int
	empty int       // pages without a row
	last  time.Time // when the last inference was made that it came to; zero if that cannot be told
	ended bool
}

// scan calls see with what the listing has, then with each further page, until see
// reports that it is satisfied or the list is older than the horizon. It reports
// whether it came that far.
func (c *Client) scan(ctx context.Context, l *listing, horizon time.Time, see func([]job.Inference) (bool, error)) (complete bool, err error) {
	page := l.kept
	for {
		if l.pages > 0 {
			satisfied, err := see(page)
			if err != nil || satisfied || l.ended || !l.last.IsZero() && l.last.Before(horizon) {
				return err == nil, err
			}
		}
		switch {
		case l.pages == maxPages:
			return false, fmt.Errorf("list inferences: the list did not end after %d pages", maxPages)
		case l.empty > emptyPages:
			return false, nil // it may go on behind them; nothing can be said to be absent
		}
		if page, err = c.next(ctx, l); err != nil {
			return false, err
		}
	}
}

// next reads the next page of a listing.
func (c *Client) next(ctx context.Context, l *listing) ([]job.Inference, error) {
	page, next, err := c.Inferences(ctx, l.token, MaxPage)
	if err != nil {
		return nil, err
	}
	l.pages++
	l.token, l.ended = next, next == ""
	if len(page) == 0 {
		l.empty++
	} else {
		l.last = page[len(page)-1].CreatedAt
	}
	if l.keeps {
		l.kept = append(l.kept, page...)
	}
	return page, nil
}

// listings keeps the last listing for a search that comes right after it, so that
// watching and searching cost no more requests than one of them.
type listings struct {
	mu       sync.Mutex
	last     *listing
	searched time.Time            // when the last search was
	single   map[string]time.Time // when inferences were read singly that no list showed
	there    map[string]bool      // what reading them singly said: whether inferences are there
}

func newListings() *listings {
	return &listings{single: make(map[string]time.Time), there: make(map[string]bool)}
}

// maxThere bounds what is remembered of single reads.
const maxThere = 10_000

// note remembers whether an inference is there by itself.
func (l *listings) note(id string, there bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.there) >= maxThere {
		clear(l.there)
	}
	l.there[id] = there
}

// noted is what was last noted of an inference.
func (l *listings) noted(id string) (there, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	there, known = l.there[id]
	return there, known
}

// begin begins a listing. Its pages are kept only while searches go on.
func (l *listings) begin() *listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &listing{asked: time.Now(), keeps: time.Since(l.searched) < searchAge}
}

// leave leaves a listing to the next search.
func (l *listings) leave(list *listing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if list.keeps {
		l.last = list
	}
}

// search is the listing for a search: one that was just read, or a new one.
func (l *listings) search() *listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.last
	l.last, l.searched = nil, time.Now()
	if list == nil || time.Since(list.asked) > listingAge {
		return &listing{asked: time.Now()}
	}
	return list
}

// due reports whether an inference is to be read singly now, and if so notes it.
func (l *listings) due(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for other, at := range l.single {
		if time.Since(at) >= singleTick {
			delete(l.single, other)
		}
	}
	if _, lately := l.single[id]; lately {
		return false
	}
	l.single[id] = time.Now()
	return true
}
