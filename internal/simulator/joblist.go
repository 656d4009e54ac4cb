package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// listJobs answers GET /jobs. Scenario API: newest first, pages of 10 unless
// asked, at most 200. Filters run after a page is cut, so a page can be short or
// empty and yet carry a token; the token marks the last row that was looked at.
func (s *Simulator) listJobs(r *http.Request, key *Key) *reply {
	filter, refused := readJobFilter(r.URL.Query())
	if refused != nil {
		return refused
	}
	runs := s.book.ofTenant(key)
	if filter.after != "" {
		last := s.book.find(filter.after, key)
		if last == nil {
			return reason(http.StatusBadRequest, "Invalid pagination token")
		}
		end := last.number
		if filter.unread {
			end++
		}
		runs = runs[:end]
	}
	now, header := s.lieOfList(time.Now())
	if cut := slices.IndexFunc(runs, func(run *run) bool { return run.accepted.After(now) }); cut >= 0 {
		runs = runs[:cut]
	}
	size, sparse := s.sparsePage(min(filter.size, len(runs)), filter.unread)
	cut := len(runs) - size
	rows := []jobRecord{}
	for i := len(runs) - 1; i >= cut; i-- {
		if s.wants(&filter, runs[i], now) {
			rows = append(rows, s.jobRecord(runs[i], now, true))
		}
	}
	body := map[string]any{"jobs": s.lieOfRows(rows)}
	switch {
	case size == 0 && sparse:
		body["nextPaginationToken"] = encodeToken(s.placeOf(runs[cut-1], true))
	case size == filter.size || sparse:
		// As with a database that counts rows: a page that was filled carries a
		// token even if nothing comes after it.
		body["nextPaginationToken"] = encodeToken(s.placeOf(runs[cut], false))
	}
	if all := s.book.ofTenant(key); len(all) > 1 && s.fault(FaultCircularList) != nil {
		body["nextPaginationToken"] = encodeToken(s.placeOf(roundAfter(all, filter.after), true))
	}
	return &reply{status: http.StatusOK, body: body, header: header}
}

// roundAfter is where a list that leads round in a circle goes on after a place: to one of
// its first two rows in turn.
func roundAfter(all []*run, after string) *run {
	newest := all[len(all)-1]
	if newest.id == after {
		return all[len(all)-2]
	}
	return newest
}

// sparsePage draws whether a page is to hold fewer rows than the size it should
// have, and how many: now and then none. After an empty page it leaves one, or the
// list would stand still.
func (s *Simulator) sparsePage(size int, afterEmpty bool) (left int, sparse bool) {
	least := 0
	if afterEmpty {
		least = 1
	}
	if size <= least {
		return size, false
	}
	fault := s.fault(FaultSparseList)
	if fault == nil {
		return size, false
	}
	return max(least, int((1.25*fault.share-0.25)*float64(size))), true
}

// jobFilter is what a list of jobs is asked for.
type jobFilter struct {
	size   int
	after  string // the last job of the page before
	unread bool   // that job itself is still to come
	author string
	status string
	types  []string
	flow   bool // of a workflow, of which there are none here
}

// readJobFilter reads the query. Scenario API: types is a comma list and wins over
// type. The words of refusals are the simulator's own.
func readJobFilter(query url.Values) (jobFilter, *reply) {
	size, refused := pageSize(query, 10, 200)
	if refused != nil {
		return jobFilter{}, refused
	}
	f := jobFilter{size: size, author: query.Get("authorId"), status: query.Get("status"), flow: query.Get("workflowId") != ""}
	if f.status != "" && !slices.Contains(statuses(), f.status) {
		return f, reason(http.StatusBadRequest, "status must be one of %s", strings.Join(statuses(), ", "))
	}
	if kinds := query.Get("types"); kinds != "" {
		f.types = strings.Split(kinds, ",")
	} else if kind := query.Get("type"); kind != "" {
		f.types = []string{kind}
	}
	if text := query.Get("paginationToken"); text != "" {
		var token placeToken
		if err := decodeToken(text, &token); err != nil || token.JobID.S == "" {
			return f, reason(http.StatusBadRequest, "Invalid pagination token")
		}
		f.after, f.unread = token.JobID.S, token.Unread
	}
	return f, nil
}

func (s *Simulator) wants(f *jobFilter, r *run, now time.Time) bool {
	kind := jobCustom
	if r.upload != nil {
		kind = jobUpload
	}
	return !f.flow && !r.listed.After(now) && oneOf(f.types, kind) &&
		(f.author == "" || f.author == r.key.ID) &&
		(f.status == "" || f.status == s.book.status(r, now))
}

// status is that of a run, whatever it shows.
func (b *book) status(r *run, now time.Time) string {
	if r.upload == nil {
		return r.status(now)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return uploadStatuses[r.upload.status(now)]
}
