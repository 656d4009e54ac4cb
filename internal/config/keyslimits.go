package config

import (
	"time"

	"nightshift/internal/document"
	"nightshift/internal/job"
)

const (
	// leastRate is what the reads of running work need of a request rate; the same
	// holds for NIGHTSHIFT_REQUESTS_PER_MINUTE.
	leastRate = 10
	// mostOf bounds counts, so that sums of them cannot overflow.
	mostOf = 1_000_000
)

func (r *keysReader) readLimits(n *document.Node, what string, known []string) Limits {
	var l Limits
	r.Fields(n, what, known, func(f *document.Field) {
		switch f.Name {
		case "requests_per_minute":
			l.RequestsPerMinute = r.Whole(&f.Value, f.Name, leastRate, mostOf)
		case "parallel":
			l.Parallel = r.Whole(&f.Value, f.Name, 0, mostOf)
		case "cu":
			l.CU = r.readCaps(&f.Value)
		case "timezone":
			l.Calendar.Zone = r.readZone(&f.Value)
		case "reset_day":
			l.Calendar.ResetDay = r.Whole(&f.Value, f.Name, 1, 31)
		}
	})
	return l
}

func (r *keysReader) readCaps(n *document.Node) CUCaps {
	var caps CUCaps
	r.Fields(n, "cu", capsFields, func(f *document.Field) {
		amount, err := job.ParseCU(f.Value.Text)
		if !f.Value.Scalar() || err != nil {
			// The error would quote the amount.
			r.Report(f.Value.Position, "write compute units such as 500 or 12.5", "this is not an amount of CU")
			return
		}
		switch f.Name {
		case "total":
			caps.Total = &amount
		case "day":
			caps.Day = &amount
		case "month":
			caps.Month = &amount
		}
	})
	return caps
}

func (r *keysReader) readZone(n *document.Node) *time.Location {
	name := r.text(n, "timezone")
	if name == "" {
		return nil
	}
	zone, err := time.LoadLocation(name)
	// Local would be another zone on every machine.
	if err != nil || name == time.Local.String() {
		r.Report(n.Position, "write an IANA name such as Europe/Paris", "this timezone is not known")
		return nil
	}
	return zone
}
