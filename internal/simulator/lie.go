package simulator

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a gateway in front of the API answers a paid call that the API has accepted.
var gatewayBodies = map[string]string{
	"html":  "<html><head><title>Request blocked</title></head><body><h1>Request blocked</h1></body></html>",
	"text":  "upstream request failed",
	"empty": "",
	"json":  `{"error":{"code":"WAF-1020","detail":"blocked by policy"},"ray":"8c1f"}`,
}

// gatewayBody is the kind of body where none is named.
const gatewayBody = "html"

// fromGateway is a reply that is not the API's.
func (f *drawnFault) fromGateway() *reply {
	kinds := map[string]string{"html": "text/html", "text": "text/plain", "json": "application/json"}
	return &reply{status: f.Status, raw: gatewayBodies[f.Body], header: map[string]string{"Content-Type": kinds[f.Body]}, notOurs: true}
}

// lieOfList draws the lies about a whole list: the time that it is as of, and what a
// cache would say of its age. An empty list is as of before anything.
func (s *Simulator) lieOfList(now time.Time) (asOf time.Time, header map[string]string) {
	if s.fault(FaultEmptyList) != nil {
		return time.Time{}, nil
	}
	if fault := s.fault(FaultStaleList); fault != nil {
		return now.Add(-fault.duration()), nil
	}
	if fault := s.fault(FaultCachedList); fault != nil {
		age := strconv.Itoa(int(fault.duration().Seconds()))
		return now.Add(-fault.duration()), map[string]string{"Age": age, "X-Cache": "Hit from cloudfront"}
	}
	return now, nil
}

// lieOfRows draws the lies about the rows of a list.
func (s *Simulator) lieOfRows(rows []jobRecord) []jobRecord {
	ended := slices.ContainsFunc(rows, func(r jobRecord) bool { return r.Status == statusSuccess })
	if ended && s.fault(FaultBareSuccess) != nil {
		for i := range rows {
			if rows[i].Status == statusSuccess {
				rows[i].Metadata = jobMetadata{}
			}
		}
	}
	if ended && s.fault(FaultShortSuccess) != nil {
		for i := range rows {
			if assets := rows[i].Metadata.AssetIDs; len(assets) > 1 {
				rows[i].Metadata.AssetIDs = assets[:len(assets)-1]
			}
		}
	}
	if ended && s.fault(FaultSharedAssets) != nil {
		shareAssets(rows)
	}
	if len(rows) > 0 && s.fault(FaultOtherCase) != nil {
		for i := range rows {
			rows[i].JobID = strings.ToUpper(rows[i].JobID)
		}
	}
	if len(rows) > 0 && s.fault(FaultDoubleRow) != nil {
		rows = append(rows, rows...)
	}
	return rows
}

// shareAssets gives all rows that succeeded the assets of the first of them.
func shareAssets(rows []jobRecord) {
	var first []string
	for i := range rows {
		if rows[i].Status != statusSuccess {
			continue
		}
		if first == nil {
			first = rows[i].Metadata.AssetIDs
		}
		rows[i].Metadata.AssetIDs = first
	}
}

// strangeStatus is one that the reference does not name.
const strangeStatus = "throttled"

// shownStatus is the status that is told of a run.
func (r *run) shownStatus(status string, now time.Time) string {
	if now.Before(r.strangeUntil) {
		return strangeStatus
	}
	return status
}

// swapReceipts gives two runs whose receipts name each other's, or both the second's: the one that comes first
// waits for the second of its project, or, if none comes in time, names itself. It returns
// the id that the receipt of r names.
func (s *Simulator) swapReceipts(r *run, patience time.Duration) string {
	s.swapMu.Lock()
	project := r.key.Project
	if first := s.swapping[project]; first != nil {
		delete(s.swapping, project)
		s.swapMu.Unlock()
		first.other <- r.id
		if r.fault == FaultRepeatedReceipt {
			return r.id
		}
		return first.id
	}
	mine := &swap{id: r.id, other: make(chan string, 1)}
	s.swapping[project] = mine
	s.swapMu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case id := <-mine.other:
		return id
	case <-timer.C:
	}
	s.swapMu.Lock()
	defer s.swapMu.Unlock()
	if s.swapping[project] == mine {
		delete(s.swapping, project)
		return r.id
	}
	return <-mine.other
}

// swap is a receipt that waits for another.
type swap struct {
	id    string
	other chan string
}

// dated sets the date of a reply.
func (s *Simulator) dated(w http.ResponseWriter) {
	now := time.Now()
	if fault := s.fault(FaultDateSkew); fault != nil {
		now = now.Add(fault.duration())
	}
	w.Header().Set("Date", s.told(now).Format(http.TimeFormat))
}
