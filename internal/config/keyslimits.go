package config

import (
	"time"

	"nightshift/internal/job"
)

const (
	// leastRate is what the reads of running work need of a request rate; the same
	// holds for NIGHTSHIFT_REQUESTS_PER_MINUTE.
	leastRate = 10
	// mostOf bounds counts, so that sums of them cannot overflow.
	mostOf = 1_000_000
)

func (r *keysReader) readLimits(n *node, what string, known []string) Limits {
	var l Limits
	r.fields(n, what, known, func(f *field) {
		switch f.name {
		case "requests_per_minute":
			l.RequestsPerMinute = r.whole(&f.value, f.name, leastRate, mostOf)
		case "parallel":
			l.Parallel = r.whole(&f.value, f.name, 0, mostOf)
		case "cu":
			l.CU = r.readCaps(&f.value)
		case "timezone":
			l.Calendar.Zone = r.readZone(&f.value)
		case "reset_day":
			l.Calendar.ResetDay = r.whole(&f.value, f.name, 1, 31)
		}
	})
	return l
}

func (r *keysReader) readCaps(n *node) CUCaps {
	var caps CUCaps
	r.fields(n, "cu", capsFields, func(f *field) {
		amount, err := job.ParseCU(f.value.text)
		if f.value.kind != single || err != nil {
			// The error would quote the amount.
			r.add(f.value.place, "write compute units such as 500 or 12.5", "this is not an amount of CU")
			return
		}
		switch f.name {
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

func (r *keysReader) readZone(n *node) *time.Location {
	name := r.text(n, "timezone")
	if name == "" {
		return nil
	}
	zone, err := time.LoadLocation(name)
	// Local would be another zone on every machine.
	if err != nil || name == time.Local.String() {
		r.add(n.place, "write an IANA name such as Europe/Paris", "this timezone is not known")
		return nil
	}
	return zone
}
