package job

import (
	"fmt"
	"strings"
)

// Ref names one job of one batch. The same content in two batches is two jobs.
type Ref struct {
	Batch string
	ID    ID
}

// String is "batch/id".
func (r Ref) String() string { return r.Batch + "/" + string(r.ID) }

// ParseRef reads what String writes; it returns an error wrapping ErrInvalid for
// anything else.
func ParseRef(text string) (Ref, error) {
	at := strings.LastIndexByte(text, '/')
	if at <= 0 || at == len(text)-1 {
		return Ref{}, fmt.Errorf("%w: %q does not name a job", ErrInvalid, text)
	}
	return Ref{Batch: text[:at], ID: ID(text[at+1:])}, nil
}
