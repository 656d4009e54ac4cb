package manifest

import (
	"encoding/json"
	"time"
)

// windowJSON is a window as an order keeps it.
type windowJSON struct {
	From string `json:"from"` // a duration since midnight
	To   string `json:"to"`
	Zone string `json:"zone"` // its IANA name
}

// MarshalJSON writes the window with the name of its zone, which a time.Location
// does not give away by itself.
func (w Window) MarshalJSON() ([]byte, error) {
	return json.Marshal(windowJSON{From: w.From.String(), To: w.To.String(), Zone: w.Location.String()})
}

// UnmarshalJSON reads what MarshalJSON writes. A zone that this machine does not
// know is an error: at other hours than those that were asked for nothing may run.
func (w *Window) UnmarshalJSON(text []byte) error {
	var read windowJSON
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	var err error
	if w.From, err = time.ParseDuration(read.From); err != nil {
		return err
	}
	if w.To, err = time.ParseDuration(read.To); err != nil {
		return err
	}
	w.Location, err = time.LoadLocation(read.Zone)
	return err
}
